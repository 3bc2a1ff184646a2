"""Statistics: metrics, intervals over draws, corrections for several questions, and honest probabilities."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from scipy.stats import t as student

from headstart.errors import unknown
from headstart.evaluation.uncertainty import Target

LEVEL = 0.05  # a Holm-corrected p below which a gain is not chance


@dataclass(frozen=True)
class Difference:
    """Mean of a − b over splits, its interval, and the two-sided p of "no difference"."""

    difference: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Score:
    """An approach at a budget: its metric with a 95 % interval, and what this is about (docs/protocol.md).

    selection: the training-side score by which it is chosen there, None where no budget has one.
    folds: the metric of each split. n_labels: from how many labels it learned.
    """

    mean: float
    low: float
    high: float
    about: Target
    selection: float | None
    folds: tuple[float, ...]
    n_labels: int


@dataclass(frozen=True)
class Comparison:
    """An approach a against the best baseline b at a budget: a − b in the metric, with its 95 % interval and p.

    budget: labels a class, or "all". p_holm: p as it counts, corrected or not; None where nothing is tested.
    role: the approach named at this budget, another pretrained one, or a baseline. about: what the interval is about.
    """

    budget: str
    a: str
    b: str
    difference: float
    low: float
    high: float
    p: float
    p_holm: float | None
    role: Literal["named", "other", "baseline"]
    about: Target

    @property
    def certain(self) -> bool:
        """Whether chance does not explain the difference."""
        return self.p_holm is not None and self.p_holm < LEVEL

    @property
    def is_gain(self) -> bool:
        """Whether a is better, and chance does not explain it."""
        return self.difference > 0 and self.certain

    @property
    def points(self) -> str:
        """The difference with its interval: "+4.8 points [1.2, 8.4]"."""
        return f"{100 * self.difference:+.1f} points [{100 * self.low:.1f}, {100 * self.high:.1f}]"


def score(metric: str, y_true: np.ndarray, y_pred: np.ndarray, classes: Sequence[int] | np.ndarray) -> float:
    """A metric by scikit-learn's name; a class that no image of the fold has is not judged, and nothing warns.

    Args:
        metric: one of ``METRICS``.
        y_true: (n,) labels of a test fold, n > 0.
        y_pred: (n,) predictions.
        classes: (k,) every label there is.

    Raises:
        UserError: an unknown metric, with the nearest name.
    """
    check_metric(metric)
    return float(METRICS[metric](np.asarray(y_true), np.asarray(y_pred), np.asarray(classes)))


def check_metric(metric: str) -> None:
    """Raise UserError, naming the nearest, for a metric that is not in ``METRICS``."""
    if metric not in METRICS:
        raise unknown("metric", metric, METRICS)


def bounds_of(metric: str) -> tuple[float, float]:
    """The metric's range: (-1, 1) where it is corrected for chance, otherwise (0, 1)."""
    return (-1.0, 1.0) if metric in ("matthews_corrcoef", "cohen_kappa") else (0.0, 1.0)


def _balanced_accuracy(y_true: np.ndarray, y_pred: np.ndarray, classes: np.ndarray) -> float:
    return float(np.mean([(y_pred[y_true == kind] == kind).mean() for kind in classes if (y_true == kind).any()]))


def _f1_macro(y_true: np.ndarray, y_pred: np.ndarray, classes: np.ndarray) -> float:
    hits, there = np.zeros(len(classes)), np.zeros(len(classes))
    for k, kind in enumerate(classes):
        hits[k] = 2 * ((y_true == kind) & (y_pred == kind)).sum()
        there[k] = (y_true == kind).sum() + (y_pred == kind).sum()
    return float((hits[there > 0] / there[there > 0]).mean())


def _chance_corrected(y_true: np.ndarray, y_pred: np.ndarray, classes: np.ndarray, *, matthews: bool) -> float:
    """Matthews' correlation or Cohen's kappa: agreement beyond chance over the most there could be; 0 for 0/0."""
    true, said = (np.array([(y == kind).mean() for kind in classes]) for y in (y_true, y_pred))
    chance = true @ said
    most = np.sqrt((1 - true @ true) * (1 - said @ said)) if matthews else 1 - chance
    return float(((y_true == y_pred).mean() - chance) / most) if most > 1e-12 else 0.0


METRICS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], float]] = {
    "balanced_accuracy": _balanced_accuracy,
    "accuracy": lambda y_true, y_pred, _: float((y_true == y_pred).mean()),
    "f1_macro": _f1_macro,
    "matthews_corrcoef": partial(_chance_corrected, matthews=True),
    "cohen_kappa": partial(_chance_corrected, matthews=False),
}


def interval(
    scores: np.ndarray | Sequence[float],
    *,
    ratio: float,
    level: float = 0.95,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> tuple[float, float, float]:
    """Mean and interval of J draws' scores: Student's t, or, where training sets overlap, the corrected resampled t.

    Nadeau and Bengio. Inference for the generalization error. Machine Learning 52, 2003, section 4: where test sets are
    drawn anew each time, the mean's variance is taken as (1/J + n_test/n_train) s², with t on J − 1 degrees of freedom.
    Folds, whose test sets are disjoint, have sharper intervals by image (``uncertainty``).

    Args:
        scores: (J,) one score a draw; from a single one the interval is everything.
        ratio: n_test / n_train of a draw; 0 where draws are independent.
        level: what share of such intervals should hold the truth.
        bounds: the metric's range, to which the interval is clipped (``bounds_of``).
    """
    values = np.asarray(scores, dtype=float)
    mean, half = float(values.mean()), _half_width(values, ratio, level)
    low, high = np.clip([mean - half, mean + half], *bounds)
    return mean, float(low), float(high)


def paired(a: np.ndarray | Sequence[float], b: np.ndarray | Sequence[float], *, ratio: float) -> Difference:
    """a − b on the same draws, two-sided, with the interval and the test that ``interval`` describes.

    Args:
        a: (J,) scores in [0, 1]. b: (J,) scores of the other approach on the same draws.
        ratio: n_test / n_train of a draw; 0 where draws are independent.
    """
    gaps = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)
    mean, half = float(gaps.mean()), _half_width(gaps, ratio, 0.95)
    p = 1.0
    if mean != 0.0:
        with np.errstate(divide="ignore"):
            t = np.divide(abs(mean), _error(gaps, ratio))
        p = 2 * float(student.sf(t, max(len(gaps) - 1, 1)))
    return Difference(mean, max(-1.0, mean - half), min(1.0, mean + half), p)


def _half_width(values: np.ndarray, ratio: float, level: float) -> float:
    return float(student.ppf((1 + level) / 2, max(len(values) - 1, 1))) * _error(values, ratio)


def _error(values: np.ndarray, ratio: float) -> float:
    """The standard error of the mean."""
    return float(np.sqrt(1 / len(values) + ratio) * values.std(ddof=1)) if len(values) > 1 else np.inf


def holm(p: Sequence[float] | np.ndarray) -> np.ndarray:
    """(q,) p-values adjusted for q questions asked at once (Holm. Scandinavian Journal of Statistics 6, 1979)."""
    values = np.asarray(p, dtype=float)
    order = np.argsort(values)
    adjusted = np.empty_like(values)
    adjusted[order] = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)).clip(max=1.0)
    return adjusted


def temperature_scale(probabilities: np.ndarray, y: np.ndarray) -> float:
    """The temperature in [0.05, 20] at which ``apply_temperature`` makes out-of-fold probabilities most likely.

    Guo et al. On calibration of modern neural networks. ICML 2017. arXiv 1706.04599, section 4.2. Differs: a label
    counts (n + 1) / (n + k) and every other class 1 / (n + k), Laplace's rule, so that few or separable images
    cannot claim certainty.

    Args:
        probabilities: (n, k) in [0, 1], rows sum to 1, of images that did not train the classifier.
        y: (n,) labels 0..k-1.
    """
    n, k = probabilities.shape
    if n == 0:
        return 1.0
    target = np.full((n, k), 1 / (n + k))
    target[np.arange(n), y] += n / (n + k)
    logits = _logits(probabilities)

    def surprise(log_sharpness: float) -> float:
        return float(-(target * log_softmax(logits * np.exp(log_sharpness), axis=1)).mean())

    found = minimize_scalar(surprise, bounds=(-np.log(20), np.log(20)), method="bounded")
    return float(np.exp(-found.x))


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """(n, k) probabilities, softened by a temperature above 1, sharpened below; the order within a row stays."""
    return softmax(_logits(probabilities) / temperature, axis=1)


def _logits(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.clip(probabilities, 1e-9, None))


def expected_calibration_error(probabilities: np.ndarray, y: np.ndarray, *, bins: int = 10) -> float:
    """Mean gap between confidence and accuracy over equal-width bins of confidence, in [0, 1] (Guo et al., eq. 3).

    Args:
        probabilities: (n, k). y: (n,) labels 0..k-1. bins: how many.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == y
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(place, right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(y))
