"""Curve: from the scores at a few label numbers to what twice the labels would bring, or that it cannot be told."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

DRAWS = 2000
WIDEST = 0.2
_RATES = np.geomspace(0.1, 2.0, 25)


@dataclass(frozen=True)
class Reading:
    """A value read off the fitted curve, with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class LearningCurve:
    """The law that fits the scores best, as far as twice the labels.

    n: numbers of labels, ascending; mean, low, high: the law there, rising, at most 1, and its band.
    observed_n, observed_mean: what it was fitted to. n_all: labels that there are. doubled: the score at twice as many;
    gain: how much more that is than at ``n_all``.
    """

    n: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    observed_n: tuple[int, ...]
    observed_mean: tuple[float, ...]
    n_all: int
    doubled: Reading
    gain: Reading

    @property
    def sentence(self) -> str:
        """What twice the labels would bring; or that it cannot be told, where its interval is wider than ``WIDEST``."""
        doubled, gain = self.doubled, self.gain
        labels = f"twice the labels ({2 * self.n_all:,} instead of {self.n_all:,})"
        if doubled.high - doubled.low > WIDEST:
            return (
                f"What {labels} would bring cannot be told: the score could be anything from {doubled.low:.2f} "
                f"to {doubled.high:.2f}."
            )
        return (
            f"If the curve goes on as it began, {labels} would bring the score to {doubled.mean:.3f} "
            f"[{doubled.low:.3f}, {doubled.high:.3f}], {100 * gain.mean:.1f} points more "
            f"[{100 * gain.low:.1f}, {100 * gain.high:.1f}]."
        )


def extrapolate(
    points: Sequence[tuple[int, Sequence[float] | np.ndarray]],
    *,
    n_all: int,
    seed: int,
    ratio: float = 1 / 3,
) -> LearningCurve | None:
    """Fit the inverse power law a − b n^−c, a ≤ 1, b ≥ 0, and read it at twice the labels.

    Such laws describe learning curves of classifiers (Figueroa et al. Predicting sample size required for
    classification performance. BMC Medical Informatics and Decision Making 12:8, 2012). The interval is a bootstrap
    over splits, the same splits at every label number, since these share their test images; its deviations are
    enlarged to the variance (1/J + ratio) s² of overlapping splits and to Student's tails (``statistics.interval``).

    Args:
        points: (labels in all, the splits' scores in [0, 1]) a label number; the splits in the same order.
        n_all: labels that there are in all.
        seed: of the bootstrap.
        ratio: n_test / n_train of a split (``splits.fold_ratio``).

    Returns:
        The curve; None with fewer than three label numbers or two splits, from which no curve follows.
    """
    points = sorted(points, key=lambda point: point[0])
    splits = min((len(scores) for _, scores in points), default=0)
    observed = np.array([labels for labels, _ in points], dtype=float)
    if len(np.unique(observed)) < 3 or splits < 2:
        return None
    scores = np.array([np.asarray(values, dtype=float)[:splits] for _, values in points])
    means = np.vstack([scores.mean(axis=1), _resampled_means(scores, ratio, seed)])
    n = np.unique(np.append(np.geomspace(observed[0], 2 * n_all, 60), [n_all, 2 * n_all]))
    curves = _curves(observed, means, _weights(scores), n)
    mean, low, high = _centre_and_range(curves)
    gain = _centre_and_range(curves[:, [-1]] - curves[:, [np.searchsorted(n, n_all)]])
    return LearningCurve(
        n=tuple(n.tolist()), mean=tuple(mean.tolist()), low=tuple(low.tolist()), high=tuple(high.tolist()),
        observed_n=tuple(int(labels) for labels in observed), observed_mean=tuple(means[0].tolist()), n_all=n_all,
        doubled=Reading(float(mean[-1]), float(low[-1]), float(high[-1])),
        gain=Reading(*(value.item() for value in gain)),
    )  # fmt: skip


def _centre_and_range(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first row, fitted to what was observed, and where 95 % of the other, resampled rows lie around it."""
    low, high = np.quantile(values[1:], [0.025, 0.975], axis=0)
    return values[0], np.minimum(low, values[0]), np.maximum(high, values[0])


def _weights(scores: np.ndarray) -> np.ndarray:
    """(q,) inverse variances of the means, none above four times the typical one: some folds agree by chance."""
    variance = scores.var(axis=1, ddof=1)
    return 1 / np.maximum(variance, max(float(np.median(variance)) / 4, 1e-8))


def _resampled_means(scores: np.ndarray, ratio: float, seed: int) -> np.ndarray:
    """(DRAWS, q) means of splits drawn with replacement, spread as far as overlapping splits are uncertain."""
    splits, mean = scores.shape[1], scores.mean(axis=1)
    rows = np.random.default_rng(seed).integers(0, splits, (DRAWS, splits))
    tails = student.ppf(0.975, splits - 1) / norm.ppf(0.975)
    enlarged = tails * np.sqrt((1 + splits * ratio) * splits / (splits - 1))
    return mean + enlarged * (scores[:, rows].mean(axis=2).T - mean)


def _curves(observed: np.ndarray, means: np.ndarray, weights: np.ndarray, n: np.ndarray) -> np.ndarray:
    """(r, len(n)) values of the laws that fit each row of means (r, q) best, by weighted least squares.

    For a given rate c the law is linear in a and b, so the best a and b are closed-form at each of a grid of rates.
    """
    best = np.full(len(means), np.inf)
    a, b, c = (np.zeros(len(means)) for _ in range(3))
    w = weights / weights.sum()
    for rate in _RATES:
        x = observed**-rate
        x_mean, y_mean = w @ x, means @ w
        slope = -((means - y_mean[:, None]) * (x - x_mean)) @ w / (w @ (x - x_mean) ** 2)
        slope = slope.clip(min=0)
        top = y_mean + slope * x_mean
        capped = ((1 - means) * x) @ w / (w @ x**2)
        slope, top = np.where(top > 1, capped.clip(min=0), slope), top.clip(max=1)
        error = (means - top[:, None] + slope[:, None] * x) ** 2 @ w
        better = error < best
        best, a, b = np.where(better, error, best), np.where(better, top, a), np.where(better, slope, b)
        c = np.where(better, rate, c)
    return a[:, None] - b[:, None] * n[None] ** -c[:, None]
