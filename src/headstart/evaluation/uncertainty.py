"""Uncertainty: how far a score may be from the truth, as variance between images, draws of labels, and encoders.

Two truths, and every estimate says which it is about:

(a) *these fitted models* on new inputs. Every labelled image is tested once a draw, by a model that did not see it.
With the repeats averaged first, the images are a sample of the inputs that there are, and the mean's variance is
theirs, by class (Bayle, Bayle, Janson, Mackey. Cross-validation confidence intervals for test error. NeurIPS 2020,
arXiv 2007.12671), or that of groups where images come in groups.

(b) *the procedure*, with fresh labels too: the same plus a component between draws of labels, estimated from draws that
share few of them. No unbiased estimator of it exists where all labels are used at once (Bengio, Grandvalet. No unbiased
estimator of the variance of k-fold cross-validation. JMLR 5, 2004), so at such budgets the estimate is of (a).

Several encoders, trained from other seeds, add the component between encoders; from one, both are about this encoder.
Whether the intervals hold and are sharp is measured in benchmarks/RESULTS.md, by simulation.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import t as student

from headstart.errors import UserError

LARGEST_SHARE = 0.25  # of all labels: draws of more than these share too many to tell them apart
FEWEST_ENCODERS = 4  # from fewer a component between encoders cannot be estimated
Target = Literal["models", "labels", "encoders", "labels and encoders"]


@dataclass(frozen=True)
class Estimate:
    """A mean, its 95 % interval, and the two-sided p of "it is zero"; ``about``: what, beside the inputs, is drawn."""

    mean: float
    low: float
    high: float
    p: float
    about: Target = "models"

    def as_tuple(self) -> tuple[float, float, float]:
        """Mean, low, high."""
        return self.mean, self.low, self.high


def check_encoders(encoders: int) -> None:
    """Raise UserError for so few encoders that what another seed changes could not be told from them."""
    if encoders != 1 and encoders < FEWEST_ENCODERS:
        raise UserError(f"--encoders {encoders}: wanted 1, or at least {FEWEST_ENCODERS} to tell what a seed changes")


@dataclass(frozen=True)
class Variance:
    """A component of the variance of a mean, with the degrees of freedom of its estimate."""

    value: float
    freedom: float


@dataclass(frozen=True, eq=False)
class Design:
    """Which model tested which image, and from which it learned.

    models: (d, n) the number of the model that tested the image in a draw; every image is tested once a draw.
    trained: (j, n) whether the model learned from the image's label; an official training set is not among the n.
    y: (n,) classes, by which images are stratified. groups: (n,) images of one number belong together, or None.
    share: the share of all labels that one model learned from. group_share: of all groups, where there are some.
    """

    models: Int[np.ndarray, "d n"]
    trained: Bool[np.ndarray, "j n"]
    y: Int[np.ndarray, " n"]
    groups: Int[np.ndarray, " n"] | None = None
    share: float = 1.0
    group_share: float = 0.0


def estimate(
    values: Float[np.ndarray, "e d n"],
    design: Design,
    *,
    step: Float[np.ndarray, " n"] | float = 1.0,
    every_draw: Float[np.ndarray, " n"] | None = None,
) -> Estimate:
    """The mean of values with its interval: Student's t with Satterthwaite's degrees of freedom over the components.

    Args:
        values: What each image contributes to a score (``influence``), or to a difference of two, by encoder, draw of
            labels and image.
        design: Who tested and learned from what; the estimate is of (a) where a model's share of all labels or groups
            is above ``LARGEST_SHARE``, or an image is tested once only.
        step: By how much an image's value changes where its prediction turns from wrong to right.
        every_draw: The images' values averaged over more draws than ``values`` holds, where there are more.
    """
    by_image = values.mean((0, 1)) if every_draw is None else every_draw
    images = image_variance(by_image, design.y, design.groups, step)
    parts = {"models": replace(images, value=images.value + mutual_variance(values.mean(0), design.share))}
    if values.shape[1] > 1 and max(design.share, design.group_share) <= LARGEST_SHARE:
        parts["labels"] = label_variance(values.mean(0), design, parts["models"].value)
    if len(values) >= FEWEST_ENCODERS:
        parts["encoders"] = Variance(float(values.mean((1, 2)).var(ddof=1)) / len(values), len(values) - 1)
    about: Target = " and ".join([name for name in parts if name != "models"] or ["models"])  # pyright: ignore
    mean, variance = float(by_image.mean()), sum(part.value for part in parts.values())
    if not variance:
        return Estimate(mean, mean, mean, float(mean == 0), about)
    freedom = variance**2 / sum(part.value**2 / part.freedom for part in parts.values())
    half = float(student.ppf(0.975, freedom)) * variance**0.5
    p = 1.0 if mean == 0 else float(2 * student.sf(abs(mean) / variance**0.5, freedom))
    return Estimate(mean, mean - half, mean + half, p, about)


def image_variance(
    values: Float[np.ndarray, " n"],
    y: Int[np.ndarray, " n"],
    groups: Int[np.ndarray, " n"] | None = None,
    step: Float[np.ndarray, " n"] | float = 1.0,
) -> Variance:
    """The variance of the mean of values, as images (or groups of them) of each class are a sample.

    Twenty images that are all right do not prove that none will ever be wrong: two more images are counted, shared
    between the classes, whose value is one step from the mean (after Agresti, Coull. Approximate is better than
    "exact". The American Statistician 52, 1998).
    """
    classes, of = np.unique(y, return_inverse=True)
    size = np.bincount(of)
    centred = values - _class_means(values, y)
    more = np.bincount(of, np.broadcast_to(np.square(step), len(y))) / size * 2 / len(classes)
    if groups is not None:
        _, unit = np.unique(groups, return_inverse=True)
        squares, count = np.bincount(unit, centred) ** 2, int(unit.max()) + 1
        return Variance(float((squares.sum() + more.sum()) / len(y) ** 2 * count / (count - 1)), count - 1)
    freedom = np.maximum(size - 1, 1)
    parts = (np.bincount(of, centred**2) + more) * size / freedom / len(y) ** 2
    return Variance(float(parts.sum()), float(parts.sum() ** 2 / (parts**2 / freedom).sum()))


def mutual_variance(values: Float[np.ndarray, "d n"], share: float) -> float:
    """What images add to the variance of the mean by teaching each other's models; nothing where tested once.

    Image j is among what the model learned that tests i, and the other way round, so their values are not independent
    where learning is unstable (Austern, Zhou. Asymptotics of cross-validation. arXiv 2001.11111). If what j changes for
    i is what i changes for j, as with kernels, that is share · W / n, where W is the variance of an image's value
    between draws; if the two are unrelated it is nothing. Half of it is taken, by simulation (benchmarks/RESULTS.md).
    """
    draws, n = values.shape
    return share / 2 * float(values.var(0, ddof=1).mean()) / n if draws > 1 else 0.0


def label_variance(values: Float[np.ndarray, "d n"], design: Design, images: float) -> Variance:
    """What fresh labels add to the variance of the mean of values, beside that of the images.

    An image's values differ between draws by the models that tested it, and by chance. The mean of these differences
    over a model's images varies between models by σ², which is what another draw of labels changes, and by chance,
    which is taken off. Of σ² it has Σ_k A_jk², as A_jk m_k of every model's m_k is left in it when the mean over draws
    is taken off: A = 1 − (the share of j's images that k tested) / draws. Models of labels drawn at random have share
    of their labels in common, so the mean of J of them varies by (share + (1 − share) / J) σ².

    Models that share groups share what is common to the images of a group: the share lies between that of labels and
    that of groups, nearer to the second the more the values of a group are alike (their intraclass correlation).

    The same images test and teach. A sample of easy ones is told easily and teaches well: twice the covariance is
    added, 2 share · Cov(the model's mean, the mean value of the images that it learned from), where it is positive.

    images: the variance by images, which bounds the covariance.
    """
    draws, n = values.shape
    centred = values.mean(0) - _class_means(values.mean(0), design.y)
    share = design.share
    if design.groups is not None:
        share += _intraclass_correlation(centred, design.groups) * max(0.0, design.group_share - share)
    flat, rest = design.models.ravel(), (values - values.mean(0)).ravel()
    tested = np.bincount(flat, minlength=len(design.trained))
    means = np.bincount(flat, rest, len(tested)) / tested
    chance = ((rest - means[flat]) ** 2).sum() / max(1, (draws - 1) * n - len(tested) + 1)
    scale = draws / (draws - 1)
    tests = np.zeros((len(tested), n))
    tests[design.models, np.arange(n)] = 1
    left = float(((np.eye(len(tested)) - tests @ tests.T / tested[:, None] / draws) ** 2).sum(1).mean())
    spread = float((means**2).mean()) - chance / float(tested.mean()) / scale
    between = max(0.0, spread) / left / (1 - share)
    value = between * (share + (1 - share) / len(tested))
    easy = design.trained @ centred / np.maximum(1, design.trained.sum(1))
    together = 2 * share * scale * float((means * easy).mean())
    freedom = max(1.0, min(len(tested) / scale, 1 / share) - 1)
    return Variance(value + min(max(0.0, together), 2 * (value * images) ** 0.5), freedom)


def _class_means(values: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(n,) the mean of an image's class."""
    _, of = np.unique(y, return_inverse=True)
    return (np.bincount(of, values) / np.bincount(of))[of]


def _intraclass_correlation(values: np.ndarray, groups: np.ndarray) -> float:
    """The share of the variance of centred values that lies between groups, in [0, 1] (analysis of variance)."""
    _, of, size = np.unique(groups, return_inverse=True, return_counts=True)
    means = np.bincount(of, values) / size
    within = ((values - means[of]) ** 2).sum() / max(1, len(values) - len(size))
    between = (size * means**2).sum() / max(1, len(size) - 1)
    typical = (len(values) - (size**2).sum() / len(values)) / max(1, len(size) - 1)
    total = between + (typical - 1) * within
    return float(np.clip((between - within) / total, 0, 1)) if total > 0 else 0.0
