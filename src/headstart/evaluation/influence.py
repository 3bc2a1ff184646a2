"""Influence: what each image contributes to a metric, so that the mean over images is the score."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from headstart.evaluation.statistics import check_metric, score


def influence(
    metric: str, y: Int[np.ndarray, " n"], predicted: Int[np.ndarray, " n"], classes: Int[np.ndarray, " k"]
) -> Float[np.ndarray, " n"]:
    """(n,) values whose mean is the metric, and whose spread within the classes is its sampling error.

    A metric is a function of the confusion matrix C (shares of the images, true class by predicted class). To first
    order an image of class i, taken for j, moves it by ∂/∂C_ij (Hampel. The influence curve and its role in robust
    estimation. JASA 69, 1974). Images are drawn a class at a time, so the classes' shares r are constants.

    Args:
        metric: one of ``statistics.METRICS``.
        y: classes. predicted: what was said of the images. classes: (k,) every label there is, ascending.
    """
    check_metric(metric)
    k = len(classes)
    true, said = np.searchsorted(classes, y), np.searchsorted(classes, predicted)
    confusion = np.bincount(true * k + said, minlength=k * k).reshape(k, k) / len(y)
    moved = _SLOPES[metric](confusion)[true, said]
    return score(metric, y, predicted, classes) + moved - moved.mean()


def step(metric: str, y: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """(n,) by how much about an image's value changes where it is right in place of wrong: n / (k n_class), or 1."""
    if metric == "accuracy":
        return np.ones(len(y))
    classes, of = np.unique(y, return_inverse=True)
    return len(y) / len(classes) / np.bincount(of)[of]


def _accuracy(confusion: np.ndarray) -> np.ndarray:
    return np.eye(len(confusion))


def _balanced_accuracy(confusion: np.ndarray) -> np.ndarray:
    share = confusion.sum(1)
    return np.diag(np.divide(1, share, where=share > 0, out=np.zeros(len(share))) / (share > 0).sum())


def _f1_macro(confusion: np.ndarray) -> np.ndarray:
    """F_j = 2 C_jj / (r_j + s_j), s the shares predicted: ∂F_j/∂C_ij = (2 [i = j] − F_j) / (r_j + s_j)."""
    both = confusion.sum(1) + confusion.sum(0)
    there = both > 0
    both = np.where(there, both, 1.0)
    return np.where(there, (2 * np.eye(len(both)) - 2 * confusion.diagonal() / both) / both, 0.0) / there.sum()


def _cohen_kappa(confusion: np.ndarray) -> np.ndarray:
    """(a − e) / (1 − e), a agreement, e = r · s by chance: ([i = j] (1 − e) − (1 − a) r_j) / (1 − e)²."""
    share, agreed = confusion.sum(1), confusion.trace()
    rest = 1 - share @ confusion.sum(0)
    return (np.eye(len(share)) * rest - (1 - agreed) * share) / rest**2 if rest > 1e-12 else np.zeros_like(confusion)


def _matthews(confusion: np.ndarray) -> np.ndarray:
    """(a − r · s) / √(p q), p = 1 − r · r, q = 1 − s · s: ([i = j] − r_j) / √(p q) + (a − r · s) s_j / (√p q^1.5)."""
    share, said = confusion.sum(1), confusion.sum(0)
    p, q = 1 - share @ share, 1 - said @ said
    if p * q < 1e-12:
        return np.zeros_like(confusion)
    excess = confusion.trace() - share @ said
    return (np.eye(len(share)) - share) / np.sqrt(p * q) + excess * said / (np.sqrt(p) * q**1.5)


_SLOPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "f1_macro": _f1_macro,
    "cohen_kappa": _cohen_kappa,
    "matthews_corrcoef": _matthews,
}
