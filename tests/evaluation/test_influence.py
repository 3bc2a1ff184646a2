"""Influence: what an image contributes to a metric is how far the metric moves with it."""

import numpy as np
import pytest

from headstart.evaluation.influence import influence, step
from headstart.evaluation.statistics import METRICS, score
from headstart.evaluation.uncertainty import image_variance

CLASSES = np.arange(4)


def drawn(n=60, seed=0):
    """Classes of unequal sizes and predictions that are right on about six of ten."""
    rng = np.random.default_rng(seed)
    y = rng.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])
    return y, np.where(rng.random(n) < 0.6, y, rng.integers(0, 4, n))


@pytest.mark.parametrize("metric", METRICS)
def test_the_mean_of_the_images_values_is_the_score(metric):
    for seed in range(20):
        y, said = drawn(seed=seed)
        assert influence(metric, y, said, CLASSES).mean() == pytest.approx(score(metric, y, said, CLASSES))


@pytest.mark.parametrize("metric", METRICS)
def test_two_images_of_a_class_differ_by_what_it_moves_the_score_to_be_said_the_one_thing_and_not_the_other(metric):
    # 500 copies of every image; one copy is told otherwise: the score moves by 1/(500 n) of the values' difference.
    y, said = drawn()
    values = influence(metric, y, said, CLASSES)
    many, before = np.tile(y, 500), score(metric, y, said, CLASSES)
    _, kinds = np.unique(np.column_stack([y, said]), axis=0, return_index=True)
    pairs = [(i, j) for i in kinds for j in kinds if i != j and y[i] == y[j]]
    assert len(pairs) > 15
    for i, j in pairs:
        told = np.tile(said, 500)
        told[i] = said[j]
        moved = (score(metric, many, told, CLASSES) - before) * len(many)
        assert values[j] - values[i] == pytest.approx(moved, abs=0.005)


@pytest.mark.parametrize("metric", METRICS)
def test_the_spread_within_classes_is_the_sampling_variance_of_every_metric(metric):
    rng = np.random.default_rng(1)
    y = np.repeat(CLASSES, [100, 60, 30, 20])
    mistaken = (y + 1 + (rng.random((1500, len(y))) < 0.3)) % 4
    told = np.where(rng.random((1500, len(y))) < np.array([0.9, 0.7, 0.8, 0.5])[y], y, mistaken)
    scores = [score(metric, y, said, CLASSES) for said in told]
    found = [image_variance(influence(metric, y, said, CLASSES), y, step=0.0).value for said in told[:300]]
    assert np.mean(found) == pytest.approx(np.var(scores), rel=0.12)


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy"])
def test_a_step_is_what_lies_between_right_and_wrong_in_a_class(metric):
    y, said = drawn()
    values, steps = influence(metric, y, said, CLASSES), step(metric, y)
    for kind in CLASSES:
        right, wrong = (y == kind) & (said == kind), (y == kind) & (said != kind)
        assert values[right].min() - values[wrong].max() == pytest.approx(steps[y == kind][0])
    # n / (k n_class): a class of a quarter of the images among two counts twice as much an image.
    assert step("balanced_accuracy", np.repeat([0, 1], [30, 10])).tolist() == pytest.approx([2 / 3] * 30 + [2.0] * 10)


@pytest.mark.parametrize("metric", METRICS)
def test_one_class_said_of_everything_and_a_class_without_images_give_finite_values(metric):
    y = np.repeat([0, 1], 5)
    for said in (np.zeros(10, int), np.full(10, 2), y):
        values = influence(metric, y, said, np.arange(3))
        assert np.isfinite(values).all()
        assert values.mean() == pytest.approx(score(metric, y, said, np.arange(3)))


def test_an_unknown_metric_has_no_influence():
    with pytest.raises(ValueError, match="did you mean 'accuracy'"):
        influence("acuracy", np.zeros(2, int), np.zeros(2, int), np.arange(2))
