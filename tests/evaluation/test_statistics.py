"""Intervals, tests and calibration against facts derived by hand."""

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import t as student
from sklearn import metrics

from headstart.errors import UserError
from headstart.evaluation.statistics import (
    METRICS,
    apply_temperature,
    bounds_of,
    expected_calibration_error,
    holm,
    interval,
    paired,
    score,
    temperature_scale,
)

TEN = np.array([0.80, 0.90, 0.85, 0.75, 0.95, 0.80, 0.90, 0.85, 0.75, 0.95])


def test_the_variance_of_ten_folds_mean_is_a_tenth_plus_a_ninth_of_the_folds_variance():
    # Nadeau and Bengio: 1/10 + 1/9 = 19/90. TEN deviates by 0 (two), 5 (four), 10 (four) points: s² = 500/9 points².
    mean, low, high = interval(TEN, ratio=1 / 9)
    half = student.ppf(0.975, 9) * np.sqrt(19 / 90 * 0.05 / 9)
    assert (mean, low, high) == pytest.approx((0.85, 0.85 - half, 0.85 + half))


def test_without_overlap_it_is_students_interval():
    _, low, high = interval(TEN, ratio=0.0)
    assert (low, high) == pytest.approx(student.interval(0.95, 9, 0.85, TEN.std(ddof=1) / np.sqrt(10)))


def test_an_interval_stays_within_the_metrics_range():
    assert interval([0.99, 0.90, 1.0, 0.95], ratio=1 / 3)[2] == 1.0
    assert interval([-0.99, -0.9, -1.0, -0.95], ratio=1 / 3, bounds=bounds_of("cohen_kappa"))[1] == -1.0


def test_one_split_tells_nothing():
    assert interval([0.8], ratio=1 / 3) == (0.8, 0.0, 1.0)
    assert paired([0.8], [0.2], ratio=1 / 3).p == 1.0


def test_a_wider_level_gives_a_wider_interval():
    assert interval(TEN, ratio=0.1, level=0.99)[1] < interval(TEN, ratio=0.1, level=0.95)[1]


def test_identical_approaches_differ_by_nothing_with_p_one():
    same = paired(TEN, TEN, ratio=1 / 9)
    assert (same.difference, same.p) == (0.0, 1.0)


def test_the_paired_test_is_two_sided_and_turns_with_its_arguments():
    other = TEN - np.array([0.0, 0.1] * 5)
    forth, back = paired(TEN, other, ratio=1 / 9), paired(other, TEN, ratio=1 / 9)
    assert forth.difference == pytest.approx(0.05)
    assert (forth.low, forth.high, forth.p) == pytest.approx((-back.high, -back.low, back.p))
    # s² of the gaps is 10·0.05²/9; t = 0.05 / sqrt(19/90 · 0.025/9)
    assert forth.p == pytest.approx(2 * student.sf(0.05 / np.sqrt(19 / 90 * 0.025 / 9), 9))


def test_the_interval_excludes_zero_exactly_when_p_is_below_five_percent():
    rng = np.random.default_rng(0)
    for ratio in [0.0] * 100 + [1 / 3] * 100:
        gap = paired(rng.normal(0.55, 0.05, 8), rng.normal(0.5, 0.05, 8), ratio=ratio)
        assert (gap.p < 0.05) == (gap.low > 0 or gap.high < 0)


def test_holm_by_hand():
    # sorted 0.01·4, 0.02·3, 0.03·2, 0.04·1, then never falling: 0.04, 0.06, 0.06, 0.06
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.9]).tolist() == [1.0, 1.0]
    assert holm([0.03]).tolist() == [0.03]
    assert holm([]).tolist() == []


@pytest.mark.parametrize(
    ("metric", "oracle"),
    [
        ("balanced_accuracy", metrics.balanced_accuracy_score),
        ("accuracy", metrics.accuracy_score),
        ("f1_macro", lambda t, p: metrics.f1_score(t, p, average="macro")),
        ("matthews_corrcoef", metrics.matthews_corrcoef),
        ("cohen_kappa", metrics.cohen_kappa_score),
    ],
)
def test_metrics_are_scikit_learns(metric, oracle):
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.integers(0, 4, 60), rng.integers(0, 4, 60)
    assert score(metric, y_true, y_pred, range(4)) == pytest.approx(oracle(y_true, y_pred))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("y_true", "y_pred"),
    [([0, 0, 1], [0, 2, 1]), ([1, 1], [1, 1]), ([1, 1], [0, 0]), ([2], [2]), ([0, 1, 2], [1, 1, 1])],
)
def test_a_class_absent_from_a_fold_neither_warns_nor_breaks(metric, y_true, y_pred):
    assert -1 <= score(metric, np.array(y_true), np.array(y_pred), range(3)) <= 1


def test_renaming_the_classes_changes_no_score():
    rng = np.random.default_rng(1)
    y_true, y_pred, names = rng.integers(0, 3, 50), rng.integers(0, 3, 50), np.array([2, 0, 1])
    for metric in METRICS:
        mine, theirs = score(metric, y_true, y_pred, range(3)), score(metric, names[y_true], names[y_pred], range(3))
        assert mine == pytest.approx(theirs)


def test_an_unknown_metric_names_the_nearest():
    with pytest.raises(UserError, match="did you mean 'balanced_accuracy'"):
        score("balanced_acuracy", np.zeros(2), np.zeros(2), range(2))


def overconfident(n: int, sharpness: float) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities whose logits are ``sharpness`` times those that the labels were drawn from."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(n, 3)) * 1.5
    y = np.array([rng.choice(3, p=row) for row in softmax(logits, axis=1)])
    return softmax(sharpness * logits, axis=1), y


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_temperature_finds_the_sharpness_that_was_put_in(sharpness):
    probabilities, y = overconfident(4000, sharpness)
    assert temperature_scale(probabilities, y) == pytest.approx(sharpness, rel=0.1)


def test_scaling_mends_calibration_and_keeps_every_prediction():
    probabilities, y = overconfident(4000, 3.0)
    mended = apply_temperature(probabilities, temperature_scale(probabilities, y))
    assert expected_calibration_error(probabilities, y) > 0.15
    assert expected_calibration_error(mended, y) < 0.03
    assert np.array_equal(mended.argmax(axis=1), probabilities.argmax(axis=1))
    assert mended.sum(axis=1) == pytest.approx(1)


def test_separable_images_do_not_become_certain():
    y = np.arange(12) % 3
    mended = apply_temperature(np.eye(3)[y], temperature_scale(np.eye(3)[y], y))
    # Laplace's rule: 12 images, 3 classes, at most 13/15
    assert mended.max() == pytest.approx(13 / 15, abs=0.02)


def test_calibration_error_by_hand():
    # confidences 0.8 (right, wrong) and 0.6 (right): |2·0.8 − 1| and |0.6 − 1| over 3
    probabilities = np.array([[0.8, 0.2], [0.2, 0.8], [0.6, 0.4]])
    assert expected_calibration_error(probabilities, np.array([0, 0, 0])) == pytest.approx((0.6 + 0.4) / 3)
