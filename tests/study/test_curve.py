"""The extrapolated learning curve finds a known law, is as uncertain as it should be, and admits ignorance."""

import numpy as np
import pytest
from scipy.stats import norm

from headstart.study.curve import WIDEST, extrapolate

LABELS = (15, 30, 75, 150, 300)


def law(n, top: float = 0.97, drop: float = 1.2, rate: float = 0.5):
    return top - drop * np.asarray(n, dtype=float) ** -rate


def exact(labels=LABELS, **parameters) -> list[tuple[int, np.ndarray]]:
    """Splits that scatter by a hair around the law."""
    return [(n, law(n, **parameters) + np.array([-1e-4, 1e-4, 1e-4, -1e-4])) for n in labels]


def simulated(rng: np.random.Generator, n_all: int, folds: int, repeats: int, **parameters):
    """Scores of repeated folds over one drawn sample: images differ in difficulty, splits share them, as in a study."""
    difficulty = rng.normal(size=n_all)
    scores = np.empty((len(LABELS), folds * repeats))
    for split in range(folds * repeats):
        if split % folds == 0:
            part = rng.permutation(n_all) % folds
        tested = difficulty[part == split % folds]
        for row, n in enumerate(LABELS):
            luck = norm.cdf((tested + rng.normal(0, 0.5, len(tested))) / np.sqrt(1.25))
            scores[row, split] = (luck < law(n, **parameters) + rng.normal(0, 0.02)).mean()
    return list(zip(LABELS, scores, strict=True))


@pytest.mark.parametrize(
    "parameters", [{}, {"top": 0.9, "drop": 0.6, "rate": 0.3}, {"top": 1.0, "drop": 2.0, "rate": 0.9}]
)
def test_a_law_without_noise_is_found_again(parameters):
    found = extrapolate(exact(**parameters), n_all=400, seed=0)
    assert found is not None
    assert 2 * found.n_all == 800
    assert found.doubled.mean == pytest.approx(law(800, **parameters), abs=0.004)
    assert found.gain.mean == pytest.approx(law(800, **parameters) - law(400, **parameters), abs=0.003)


@pytest.mark.parametrize("parameters", [{}, {"top": 0.9, "drop": 0.0}])
def test_the_interval_holds_the_truth_in_most_simulated_studies(parameters):
    truth, rng, held, told = law(800, **parameters), np.random.default_rng(0), 0, 0
    for seed in range(60):
        points = simulated(rng, 400, 4, 2, **parameters)
        doubled = extrapolate(points, n_all=400, seed=seed, ratio=1 / 3).doubled
        held += doubled.low <= truth <= doubled.high
        told += doubled.high - doubled.low < WIDEST
    assert held >= 0.85 * 60
    assert told >= 0.95 * 60


@pytest.mark.parametrize("seed", range(5))
def test_the_curve_rises_never_above_one_and_lies_in_its_band(seed):
    rng = np.random.default_rng(seed)
    found = extrapolate([(n, rng.uniform(0.3, 1, 8)) for n in LABELS], n_all=400, seed=0)
    mean, low, high = (np.array(getattr(found, name)) for name in ("mean", "low", "high"))
    for values in (mean, low, high):
        assert (np.diff(values) >= -1e-12).all()
    assert (low <= mean).all()
    assert (mean <= high).all()
    assert high.max() <= 1
    assert 0 <= found.gain.low <= found.gain.mean <= found.gain.high


def test_scores_that_fall_with_more_labels_promise_no_gain():
    points = [(n, scores) for n, (_, scores) in zip(LABELS, reversed(exact()), strict=True)]
    assert extrapolate(points, n_all=400, seed=0).gain.mean == 0


def test_few_scattered_splits_cannot_tell():
    rng = np.random.default_rng(0)
    found = extrapolate([(n, law(n) + rng.normal(0, 0.12, 4)) for n in LABELS[:3]], n_all=100, seed=0)
    assert found.doubled.high - found.doubled.low > WIDEST
    assert "cannot be told" in found.sentence
    assert "cannot be told" not in extrapolate(exact(), n_all=400, seed=0).sentence


def test_two_label_numbers_or_one_split_make_no_curve():
    assert extrapolate(exact(LABELS[:2]), n_all=400, seed=0) is None
    assert extrapolate([(15, [0.5]), (30, [0.6]), (75, [0.7])], n_all=400, seed=0) is None
    assert extrapolate([], n_all=400, seed=0) is None


def test_the_order_of_the_points_does_not_matter_and_the_seed_repeats_the_interval():
    points = simulated(np.random.default_rng(0), 400, 4, 2)
    assert extrapolate(points[::-1], n_all=400, seed=3) == extrapolate(points, n_all=400, seed=3)


def test_a_label_number_cut_short_uses_the_splits_that_all_have():
    points = exact()
    cut = [(n, scores[:2] if n == 300 else scores) for n, scores in points]
    assert extrapolate(cut, n_all=400, seed=0) == extrapolate([(n, s[:2]) for n, s in points], n_all=400, seed=0)
