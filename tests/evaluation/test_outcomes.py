"""Outcomes: a score and a difference over splits, draws of labels and encoders, and what its interval is told."""

import numpy as np
import pytest

from headstart.evaluation import outcomes
from headstart.evaluation.outcomes import Outcomes
from headstart.evaluation.splits import make_splits
from headstart.evaluation.statistics import METRICS, score
from headstart.evaluation.uncertainty import estimate

Y = np.arange(60) % 3
SPLITS = make_splits(Y, folds=4, repeats=2, seed=0)


def said(share_right: float, seed: int, shape: tuple[int, ...] = (), **more) -> Outcomes:
    """Predictions that are right on about such a share; shape: (draws,) or (encoders, draws)."""
    rng = np.random.default_rng(seed)
    wrong = [rng.random((*shape, len(s.test))) >= share_right for s in SPLITS]
    return Outcomes(SPLITS, Y, [(Y[s.test] + w) % 3 for s, w in zip(SPLITS, wrong, strict=True)], **more)


def told(found: Outcomes, monkeypatch, other: Outcomes | None = None):
    """The values and the design of which an interval, or a difference, is estimated."""
    seen = []

    def spy(values, design, **more):
        seen.append((values, design))
        return estimate(values, design, **more)

    monkeypatch.setattr(outcomes, "estimate", spy)
    _ = found.minus(other) if other else found.interval()
    return seen[0]


def test_all_right_is_one_but_not_certain():
    mean, low, high = said(1.0, 0).interval().as_tuple()
    assert mean == high == 1.0
    assert 0.9 < low < 1.0, "sixty images cannot prove that no error is possible"


def test_all_wrong_is_nought_and_no_interval_leaves_the_metrics_range():
    assert said(0.0, 0).interval().low == 0.0
    rotated = Outcomes(SPLITS, Y, [(Y[s.test] + 1) % 3 for s in SPLITS], "cohen_kappa")
    assert rotated.interval().mean == pytest.approx(-0.5)
    assert said(1.0, 0, metric="cohen_kappa").interval().high == 1.0


@pytest.mark.parametrize("metric", METRICS)
def test_the_mean_is_the_metric_of_all_images_averaged_over_repeats_draws_and_encoders(metric):
    found = said(0.7, 0, (4, 3), metric=metric)
    by_hand = []
    for repeat, encoder, draw in np.ndindex(2, 4, 3):
        whole = np.empty(60, int)
        for i in range(4 * repeat, 4 * repeat + 4):
            whole[SPLITS[i].test] = found.predicted[i][encoder, draw]
        by_hand.append(score(metric, Y, whole, range(3)))
    assert found.interval().mean == pytest.approx(np.mean(by_hand))


def test_a_splits_score_is_the_mean_over_encoders_and_draws():
    found = said(0.7, 0, (4, 3))
    first = [score("balanced_accuracy", Y[SPLITS[0].test], one, range(3)) for one in found.predicted[0].reshape(12, -1)]
    assert found.folds[0] == pytest.approx(np.mean(first))
    assert len(found.folds) == 8


def test_testing_every_image_again_alike_leaves_the_interval_as_it_was():
    right = np.random.default_rng(0).random(60) < 0.7
    once, twice = (
        Outcomes(splits, Y, [(Y[s.test] + ~right[s.test]) % 3 for s in splits]) for splits in (SPLITS[:4], SPLITS)
    )
    assert once.interval() == twice.interval()


def test_every_value_stands_at_the_model_that_said_it_and_that_model_learned_its_own_splits_draw(monkeypatch):
    # Model m = draws · split + draw is all right or all wrong, by a pattern that no other arrangement has.
    draws, right = 3, np.random.default_rng(5).random(24) < 0.5
    predicted = [
        np.stack([(Y[s.test] + ~right[draws * i + d]) % 3 for d in range(draws)]) for i, s in enumerate(SPLITS)
    ]
    values, design = told(Outcomes(SPLITS, Y, predicted, "accuracy", budget=2), monkeypatch)
    assert values.shape == (1, 6, 60)
    assert design.models.shape == (6, 60)
    assert sorted(np.unique(design.models)) == list(range(24))
    assert np.array_equal(values[0] == 1, right[design.models])
    for model, learned in enumerate(design.trained):
        split = SPLITS[model // draws]
        assert np.array_equal(np.flatnonzero(learned), np.sort(split.budget(Y, 2, model % draws)))
        assert np.array_equal(np.unique(np.nonzero(design.models == model)[1]), split.test)
    assert design.share == pytest.approx(6 / 60)


def test_the_first_draws_are_those_of_all_repeats(monkeypatch):
    # Compared with an approach of one draw: two repeats, one draw each, and not two draws of one repeat.
    several, single = said(0.7, 0, (3,), budget=2), said(0.7, 1, budget=2)
    values, design = told(several, monkeypatch, single)
    assert values.shape == (1, 2, 60)
    assert sorted(np.unique(design.models[0])) == [0, 1, 2, 3]
    assert sorted(np.unique(design.models[1])) == [4, 5, 6, 7]
    for model, learned in enumerate(design.trained):
        assert np.array_equal(np.flatnonzero(learned), np.sort(SPLITS[model].budget(Y, 2)))


def test_an_official_training_set_is_not_among_the_images_tested_but_shares_out_the_labels(monkeypatch):
    y = np.arange(100) % 2
    prescribed = np.array(["train"] * 60 + ["test"] * 40)
    splits = make_splits(y, folds=4, repeats=1, seed=0, prescribed=prescribed)
    values, design = told(Outcomes(splits, y, [y[s.test] for s in splits], budget=3), monkeypatch)
    assert values.shape == (1, 1, 40)
    assert not design.trained.any()
    assert design.share == pytest.approx(6 / 60)


def test_groups_that_are_right_or_wrong_together_make_the_interval_wider():
    groups = np.arange(60) // 6
    right = np.random.default_rng(0).random(10) < 0.7
    predicted = [(Y[s.test] + ~right[groups[s.test]]) % 3 for s in SPLITS]
    alone, bound = Outcomes(SPLITS, Y, predicted), Outcomes(SPLITS, Y, predicted, groups=groups)
    assert bound.interval().mean == alone.interval().mean
    # Ten units in place of sixty: √6 ≈ 2.4 times as wide.
    assert 2 < (bound.interval().mean - bound.interval().low) / (alone.interval().mean - alone.interval().low) < 3.5


def test_a_difference_turns_its_sign_with_its_sides():
    a, b = said(0.95, 0), said(0.4, 1)
    one, other = a.minus(b), b.minus(a)
    assert one.low > 0, "more than half of all images apart"
    assert (one.mean, one.low, one.high) == pytest.approx((-other.mean, -other.high, -other.low))


@pytest.mark.parametrize(
    ("mine", "theirs"), [((), ()), ((3,), (3,)), ((3,), ()), ((4, 1), (3,)), ((4, 3), (4, 1)), ((4, 2), ())]
)
def test_a_difference_is_that_of_the_two_means_whatever_draws_and_encoders_each_has(mine, theirs):
    a, b = said(0.8, 0, mine, budget=2), said(0.6, 1, theirs, budget=2)
    assert a.minus(b).mean == pytest.approx(a.interval().mean - b.interval().mean)
    assert b.minus(a).mean == pytest.approx(b.interval().mean - a.interval().mean)


def test_an_approach_does_not_differ_from_itself():
    d = said(0.7, 0, (3,), budget=2).minus(said(0.7, 0, (3,), budget=2))
    assert (d.mean, d.p) == (0.0, 1.0)
    assert d.low < 0 < d.high


def test_a_gap_that_is_the_same_on_every_image_is_not_certain():
    d = said(1.0, 0).minus(said(0.0, 0))
    assert d.mean == 1.0
    assert d.low < 1.0


def test_what_both_sides_get_wrong_is_no_part_of_the_differences_interval():
    # Two that agree on all images but a few differ more surely than two that err apart.
    rng = np.random.default_rng(0)
    wrong = rng.random(60) < 0.4
    less = wrong & (rng.random(60) < 0.8)
    apart = rng.permutation(less)
    made = [Outcomes(SPLITS, Y, [(Y[s.test] + w[s.test]) % 3 for s in SPLITS]) for w in (wrong, less, apart)]
    close, far = made[1].minus(made[0]), made[2].minus(made[0])
    assert close.high - close.low < 0.7 * (far.high - far.low)


def test_encoders_that_differ_widen_the_interval_and_equal_ones_do_not():
    rng = np.random.default_rng(0)
    wrong = rng.random(60) < 0.3
    worse = [wrong, wrong | (rng.random(60) < 0.3), wrong & (rng.random(60) < 0.5), wrong]

    def of(masks):
        return Outcomes(SPLITS, Y, [np.stack([(Y[s.test] + w[s.test])[None] % 3 for w in masks]) for s in SPLITS])

    one, same, other = of([wrong]).interval(), of([wrong] * 4).interval(), of(worse).interval()
    assert one.about == "models"
    assert same.about == other.about == "encoders"
    assert same.as_tuple() == pytest.approx(one.as_tuple())
    by_image = of(worse).values.mean((1, 2))
    assert other.high - other.low > 2 * 2 * by_image.std(ddof=1) / 2
    assert other.high - other.low > 1.3 * (one.high - one.low)


def test_a_score_says_whether_it_is_of_these_models_or_of_fresh_labels():
    assert said(0.7, 0).interval().about == "models"
    assert said(0.7, 0, budget=2).interval().about == "labels"
    assert said(0.7, 0, (4, 1), budget=2).interval().about == "labels and encoders"
    assert said(0.7, 0, (4, 1), budget=2).minus(said(0.7, 1, budget=2)).about == "labels and encoders"
