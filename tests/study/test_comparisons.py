"""Comparisons: test scores name nothing, one difference is confirmed, and each other answers for its own family."""

import numpy as np
import pytest

from headstart.evaluation.outcomes import Outcomes
from headstart.evaluation.splits import make_splits
from headstart.evaluation.statistics import Comparison
from headstart.study.comparisons import choose, compare, corrected

BASELINES = {"majority", "svm-pixels", "knn-pixels"}
Y = np.arange(60) % 3
SPLITS = make_splits(Y, folds=4, repeats=1, seed=0)


def row(budget, role, p, difference=0.1):
    low, high = difference - 0.1, difference + 0.1
    return Comparison(budget, f"{role}-{p}", "svm-pixels", difference, low, high, p, None, role, "models")


def holm_of(rows, last):
    """The corrected p by budget, role and p."""
    return {(r.budget, r.role, r.p): r.p_holm for r in corrected(rows, last)}


def test_the_highest_selection_of_all_is_named_and_of_the_baselines_is_the_one_to_beat():
    selection = {"majority": 0.3, "simclr+probe": 0.9, "svm-pixels": 0.7, "mae+probe": 0.8, "knn-pixels": 0.75}
    assert choose(selection, BASELINES) == ("simclr+probe", "knn-pixels")
    assert choose({**selection, "svm-pixels": 0.95}, BASELINES) == ("svm-pixels", "svm-pixels")


def test_what_has_no_selection_is_not_named_beside_what_has_one():
    selection = {"simclr+probe": float("nan"), "majority": 0.3, "svm-pixels": float("nan")}
    assert choose(selection, BASELINES) == ("majority", "majority")


@pytest.mark.parametrize(
    ("names", "named"),
    [
        (["majority", "knn-pixels", "simclr+probe", "svm-pixels"], "svm-pixels"),
        (["majority", "knn-pixels", "simclr+probe"], "knn-pixels"),
        (["simclr+probe", "majority"], "majority"),
    ],
)
def test_where_nothing_has_a_selection_convention_names_a_baseline(names, named):
    assert choose(dict.fromkeys(names, float("nan")), BASELINES) == (named, named)


def said(share_right, seed):
    wrong = np.random.default_rng(seed).random(60) >= share_right
    return Outcomes(SPLITS, Y, [(Y[s.test] + wrong[s.test]) % 3 for s in SPLITS])


def test_every_approach_but_the_best_baseline_is_set_against_it_with_its_role():
    predicted = {
        "majority": said(0.3, 0),
        "svm-pixels": said(0.7, 1),
        "simclr+probe": said(0.95, 2),
        "mae+probe": said(0.8, 3),
    }
    rows = compare(predicted, budget="5", named="mae+probe", best="svm-pixels", baselines=BASELINES)
    assert [(r.budget, r.a, r.b, r.role) for r in rows] == [
        ("5", "majority", "svm-pixels", "baseline"),
        ("5", "simclr+probe", "svm-pixels", "other"),
        ("5", "mae+probe", "svm-pixels", "named"),
    ]
    for r in rows:
        means = [predicted[name].interval().mean for name in (r.a, r.b)]
        assert r.difference == pytest.approx(means[0] - means[1])
        assert r.low < r.difference < r.high
        assert (r.p < 0.05) == (r.low > 0 or r.high < 0)
        assert r.about == "models"


def test_the_difference_at_the_largest_budget_of_the_approach_named_is_not_corrected():
    rows = [row("5", "named", 0.2), row("all", "named", 0.04), row("all", "other", 0.001), row("5", "other", 0.02)]
    assert holm_of(rows, "all")["all", "named", 0.04] == 0.04


def test_what_was_named_at_smaller_budgets_is_corrected_for_their_number():
    # 0.01 · 3, 0.02 · 2, 0.04 · 1, never falling: 0.03, 0.04, 0.04; nothing else counts.
    rows = [row("5", "named", 0.02), row("10", "named", 0.01), row("25", "named", 0.04), row("all", "named", 0.03)]
    found = holm_of([*rows, row("5", "other", 0.5), row("all", "baseline", 0.5)], "all")
    assert [found[r.budget, "named", r.p] for r in rows] == pytest.approx([0.04, 0.03, 0.04, 0.03])


def test_other_approaches_are_corrected_for_their_number_within_a_budget():
    rows = [row("5", "other", 0.01), row("5", "other", 0.02), row("all", "other", 0.03), row("all", "named", 0.01)]
    found = holm_of(rows, "all")
    assert found["5", "other", 0.01] == pytest.approx(0.02)
    assert found["5", "other", 0.02] == pytest.approx(0.02)
    assert found["all", "other", 0.03] == 0.03


def test_baselines_among_themselves_are_not_tested_and_count_for_nobody():
    found = holm_of([row("all", "baseline", 0.001), row("all", "baseline", 0.5), row("all", "other", 0.04)], "all")
    assert found["all", "baseline", 0.001] is None
    assert found["all", "baseline", 0.5] is None
    assert found["all", "other", 0.04] == 0.04
