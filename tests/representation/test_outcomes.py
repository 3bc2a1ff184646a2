"""Outcomes: a score and a difference over splits, with intervals that know what overlaps."""

import numpy as np
import pytest

from headstart.representation.outcomes import Outcomes
from headstart.representation.splits import fold_ratio, make_splits
from headstart.representation.statistics import interval

Y = np.arange(60) % 3
SPLITS = make_splits(Y, folds=4, repeats=2, seed=0)


def said(share_right: float, seed: int) -> Outcomes:
    """Predictions that are right on about such a share."""
    rng = np.random.default_rng(seed)
    wrong = [rng.random(len(s.test)) >= share_right for s in SPLITS]
    return Outcomes(SPLITS, Y, [(Y[s.test] + w) % 3 for s, w in zip(SPLITS, wrong, strict=True)])


def test_all_right_is_one_but_not_certain():
    mean, low, high = said(1.0, 0).interval()
    assert mean == high == 1.0
    assert 0.9 < low < 1.0, "sixty images cannot prove that no error is possible"


def test_the_interval_is_wider_than_one_that_takes_folds_for_independent():
    found = said(0.7, 0)
    mean, low, high = found.interval()
    naive = interval(found.folds, ratio=0.0)
    assert mean == pytest.approx(np.mean(found.folds))
    assert high - low > 1.2 * (naive[2] - naive[1])
    assert fold_ratio(SPLITS) == pytest.approx(1 / 3)


def test_a_difference_turns_its_sign_with_its_sides():
    a, b = said(0.95, 0), said(0.4, 1)
    one, other = a.minus(b), b.minus(a)
    assert one.low > 0, "more than half of all images apart"
    assert (one.difference, one.low, one.high) == pytest.approx((-other.difference, -other.high, -other.low))
    assert one.difference == pytest.approx(np.mean(a.folds) - np.mean(b.folds))


def test_an_approach_does_not_differ_from_itself():
    d = said(0.7, 0).minus(said(0.7, 0))
    assert (d.difference, d.p) == (0.0, 1.0)
    assert d.low < 0 < d.high
