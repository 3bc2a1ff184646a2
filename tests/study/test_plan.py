"""What does not fit into the time gives way in the order that docs/protocol.md states, and is named."""

import pytest

from headstart.errors import UserError
from headstart.study import conduct
from headstart.study.approaches import DEFAULT, parse_approaches
from headstart.study.plan import Outline, fit_into, leave_out_greedy


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


@pytest.mark.parametrize("encoder", ["autoencoder", "timm:resnet10t"])
def test_greedy_is_left_out_and_named_where_the_encoder_has_no_stages(encoder):
    made = outline()
    leave_out_greedy(made, encoder)
    assert [a.name for a in made.approaches] == [n for n in DEFAULT if n != "greedy+finetune"]
    assert made.left_out == [f"greedy+finetune: left out, as {encoder} is not made of stages to pretrain one by one."]


@pytest.mark.parametrize("encoder", [None, "small", "lecture", "mlp", "dense", "resnet18"])
def test_greedy_stays_where_the_encoder_has_stages(encoder):
    made = outline()
    leave_out_greedy(made, encoder)
    assert (len(made.approaches), made.left_out) == (13, [])


def test_a_study_leaves_greedy_out_where_nobody_named_it_and_keeps_it_where_somebody_did(study, monkeypatch):
    def stop(_, approaches, *__):
        raise UserError(", ".join(a.name for a in approaches))

    monkeypatch.setattr(conduct, "measure_speed", stop)
    for asked, kept in [(None, False), ("majority,greedy+probe", True)]:
        with pytest.raises(UserError, match="majority") as tried:
            study("stageless", approaches=asked, encoder="autoencoder")
        assert ("greedy" in str(tried.value)) == kept
