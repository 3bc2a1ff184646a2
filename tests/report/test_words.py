"""Numbers and names read as a person would write them."""

import pytest

from headstart.objectives.catalogue import methods
from headstart.report import words
from headstart.study.approaches import DEFAULT


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (3599.7, "1 h 00 min"),
        (7500.0, "2 h 05 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(0.0483, "+4.8"), (-0.003, "−0.3"), (0.0001, "0.0"), (-0.0001, "0.0")])
def test_points_of_a_hundred_have_a_true_minus_and_no_signed_zero(value: float, text: str) -> None:
    assert words.points(value) == text


@pytest.mark.parametrize(
    ("p", "text"), [(0.0004, "p < 0.001"), (0.0312, "p = 0.031"), (0.4, "p = 0.4"), (1.0, "p > 0.99")]
)
def test_p_values(p: float, text: str) -> None:
    assert words.p_value(p) == text


def test_an_unknown_score_is_a_dash() -> None:
    assert (words.score(0.92649), words.score(float("nan"))) == ("0.926", "–")


def test_counts_agree_with_their_noun() -> None:
    assert (words.count(1, "image"), words.count(3892, "image")) == ("1 image", "3,892 images")


def test_every_default_approach_has_a_meaning() -> None:
    meanings = {name: words.approach(name, methods()) for name in DEFAULT}
    assert all(len(meaning) > 20 for meaning in meanings.values())
    assert len(set(meanings.values())) == len(DEFAULT)


def test_intervals_are_not_broken_across_lines() -> None:
    assert words.unbroken("adds +4.8 [1.2, 8.4] here") == "adds +4.8 [1.2,\N{NO-BREAK SPACE}8.4] here"


def test_a_number_of_labels_within_a_sentence() -> None:
    assert (words.at_budget("1"), words.at_budget("25"), words.at_budget("all")) == (
        "at 1 label a class", "at 25 labels a class", "at all labels",
    )  # fmt: skip
