"""What does not fit into the time gives way in the order that docs/protocol.md states, and is named."""

import pytest

from headstart.study.approaches import parse_approaches
from headstart.study.plan import Outline, fit_into


def outline(repeats=5):
    return Outline(parse_approaches(None), repeats)


def estimate(o):
    """100 s an approach, repeat and full training."""
    return 100.0 * len(o.approaches) * o.repeats * o.share


def fitted(limit, *, repeats=5, free_repeats=True, named=False):
    made = outline(repeats)
    fit_into(made, limit, estimate, free_repeats=free_repeats, named=named)
    return made


def test_what_fits_is_left_alone():
    made = fitted(6500)
    assert (len(made.approaches), made.repeats, made.share, made.left_out) == (13, 5, 1.0, [])


def test_repeats_give_way_first():
    made = fitted(2600)
    assert (made.repeats, made.share, len(made.approaches)) == (2, 1.0, 13)
    assert made.left_out == ["Repeats: 2 in place of 5, to fit into the time."]


def test_repeats_that_were_asked_for_do_not_give_way():
    made = fitted(2600, free_repeats=False)
    assert made.repeats == 5
    assert made.share < 1
    assert estimate(made) <= 2600


def test_then_epochs_down_to_a_quarter_then_approaches():
    made = fitted(300)
    assert (made.repeats, len(made.approaches)) == (1, 12)
    assert made.share == pytest.approx(0.25)
    assert any(text.startswith("greedy+finetune: left out") for text in made.left_out)
    assert any("25% of its usual epochs" in text for text in made.left_out)


def test_approaches_that_were_named_do_not_give_way():
    made = fitted(50, named=True)
    assert len(made.approaches) == 13
    assert estimate(made) <= 50


def test_epochs_do_not_fall_below_a_thirty_second_and_baselines_never_give_way():
    made = fitted(0.001)
    assert made.share == pytest.approx(1 / 32)
    assert sum(a.kind == "baseline" for a in made.approaches) == 8
