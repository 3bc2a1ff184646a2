"""Warnings where views can erase what the labels depend on, measured on the labelled images.

Every pair of classes is asked two questions:

1. Is there a number that tells them apart (brightness, contrast, colour, size, place, detail), does it no longer in
   the views that change it, and does their shape not tell them apart either? Measured as AUC; shape as the balanced
   accuracy of the nearest class mean in its best pose.
2. Do their mean images look unlike, and alike once turned or mirrored as the views do, like 6 and 9? Measured as the
   correlation of pixels.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float, Int64
from torch import Tensor

from headstart.data.dataset import Dataset
from headstart.data.pixels import Pixels
from headstart.views import measures
from headstart.views.random import image_keys
from headstart.views.views import GEOMETRY, Views

APART, TOGETHER = 0.9, 0.75  # AUC: a number tells a pair apart from the first on, hardly below the second
SHAPED = 0.8  # balanced accuracy from which shape tells a pair apart
ALIKE, RISE = 0.8, 0.2  # correlation of mean images that look alike, and how much of it must be due to the pose
_CLASSES, _PER_CLASS, _FEWEST = 20, 50, 8
_REPEATS, _POSES = 3, 100
_SHAPE = "turned or mirrored,"
_NUMBERS: dict[str, tuple[Callable[[Tensor], Tensor], tuple[str, ...]]] = {
    "mean brightness": (measures.brightness, ("brightness", "invert")),
    "contrast": (measures.contrast, ("contrast",)),
    "mean colour": (measures.colour, ("saturation", "hue", "grey")),
    "size": (measures.size, ("crop", "aspect", "scale")),
    "place in the image": (measures.place, ("crop", "translation", "flip_horizontal", "flip_vertical")),
    "fine detail": (measures.detail, ("blur", "noise")),
}

Images = Float[Tensor, "n c h w"]
Labels = Int64[Tensor, " n"]


@dataclass(frozen=True)
class _Loss:
    """Two classes that ``what`` tells apart before, and hardly after the views changed ``by``."""

    what: str
    by: tuple[str, ...]
    pair: tuple[int, int]
    before: float
    after: float


def cautions(views: Views, dataset: Dataset) -> list[str]:
    """One sentence a difference between classes that these views can erase: which views, which classes, how much.

    Looks at up to 50 labelled images of each of the 20 largest classes; classes of fewer than 8 are not judged.
    """
    rows = _rows(dataset.labels)
    if not len(rows):
        return []
    x = torch.from_numpy(Pixels.fit(dataset.inputs)(dataset.inputs.read(rows)))
    y = torch.from_numpy(dataset.labels[rows])
    losses = _lost_numbers(views, x, y)
    if losses:
        shapes = _shapes(_only(views, GEOMETRY), x, y)
        losses = [loss for loss in losses if shapes[loss.pair] < SHAPED]
    losses += _alike_shapes(views, x, y)
    kinds = {loss.what: [other for other in losses if other.what == loss.what] for loss in losses}
    return [_sentence(views, kind, dataset.class_names) for kind in kinds.values()]


def _rows(labels: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " m"]:
    """Evenly spaced images of each of the largest classes."""
    classes, sizes = np.unique(labels[labels >= 0], return_counts=True)
    largest = classes[np.argsort(-sizes, kind="stable")][:_CLASSES]
    members = [m for k in largest if len(m := np.flatnonzero(labels == k)) >= _FEWEST]
    spread = [m[np.linspace(0, len(m) - 1, min(_PER_CLASS, len(m))).astype(np.int64)] for m in members]
    return np.concatenate(spread) if len(spread) > 1 else np.zeros(0, np.int64)


def _lost_numbers(views: Views, x: Images, y: Labels) -> list[_Loss]:
    losses = []
    index = torch.arange(len(x))
    for what, (measure, by) in _NUMBERS.items():
        alone = _only(views, by)
        if not alone.changed:
            continue
        before = measure(x)
        after = [measure(alone(x, image_keys(index, seed=0, epoch=epoch))) for epoch in range(_REPEATS)]
        for a, b in _pairs(y):
            direction = _direction(before[y == a], before[y == b])
            auc = _auc(before[y == a] @ direction, before[y == b] @ direction)
            viewed = [torch.cat([seen[y == k] @ direction for seen in after]) for k in (a, b)]
            losses.append(_Loss(what, by, (a, b), auc, _auc(*viewed)))
    return [loss for loss in losses if loss.before >= APART and loss.after < TOGETHER]


def _alike_shapes(views: Views, x: Images, y: Labels) -> list[_Loss]:
    by = ("rotation", "flip_horizontal", "flip_vertical")
    posed = _only(views, by)
    if not posed.changed:
        return []
    classes = y.unique()
    means = torch.stack([x[y == k].mean((0, 1)) for k in classes])[:, None]
    upright = _unit(means) @ _unit(means).T
    best = torch.stack([_unit(means) @ _unit(m).T for m in _in_poses(posed, means)]).amax(0)
    best = torch.minimum(best, best.T)
    number = {k: i for i, k in enumerate(classes.tolist())}
    cells = {(a, b): (number[a], number[b]) for a, b in _pairs(y)}
    losses = [_Loss(_SHAPE, by, pair, float(upright[at]), float(best[at])) for pair, at in cells.items()]
    return [loss for loss in losses if loss.after >= ALIKE and loss.after - loss.before >= RISE]


def _shapes(poses: Views, x: Images, y: Labels) -> dict[tuple[int, int], float]:
    """Balanced accuracy of the nearest class mean, in its best pose, for images in a random one, by pair of classes."""
    grey, classes = x.mean(1, keepdim=True), y.unique()
    posed = poses(grey, image_keys(torch.arange(len(x)), seed=1, epoch=0))
    likeness = torch.zeros(len(x), len(classes))
    for half in (0, 1):  # means from one half of each class, judged on the other
        means = torch.stack([grey[y == k][half::2].mean(0) for k in classes])
        judged = torch.cat([torch.nonzero(y == k).squeeze(1)[1 - half :: 2] for k in classes])
        likeness[judged] = torch.stack([_unit(posed[judged]) @ _unit(m).T for m in _in_poses(poses, means)]).amax(0)
    own = {k: likeness[y == k] for k in classes.tolist()}
    column = {k: i for i, k in enumerate(own)}
    right = {(a, b): own[a][:, column[a]] > own[a][:, column[b]] for a in own for b in own if a != b}
    return {(a, b): float(right[a, b].float().mean() + right[b, a].float().mean()) / 2 for a, b in _pairs(y)}


def _in_poses(poses: Views, means: Images) -> Iterator[Images]:
    """The means in random poses, every class in the same ones."""
    if not poses.changed:
        yield means
        return
    for epoch in range(_POSES):
        yield poses(means, image_keys(torch.zeros(len(means), dtype=torch.int64), seed=0, epoch=epoch))


def _only(views: Views, names: tuple[str, ...]) -> Views:
    """The views with all but these parameters switched off."""
    changing = {name: value for name, value in views.changed.items() if name in names}
    odds = {"jitter": views.jitter, "blur_probability": views.blur_probability}
    return replace(Views(), **changing, **odds) if changing else Views()


def _pairs(y: Labels) -> list[tuple[int, int]]:
    return list(combinations(y.unique().tolist(), 2))


def _direction(a: Float[Tensor, "m k"], b: Float[Tensor, "l k"]) -> Float[Tensor, " k"]:
    """From a's mean to b's, each number in units of its variance within the classes."""
    return (b.mean(0) - a.mean(0)) / ((a.var(0) + b.var(0)) / 2).clamp(min=1e-12)


def _auc(a: Float[Tensor, " m"], b: Float[Tensor, " l"]) -> float:
    """How often a number of b lies above one of a, ties counting half."""
    difference = b[:, None] - a
    return float((difference > 0).double().mean() + (difference == 0).double().mean() / 2)


def _unit(x: Images) -> Float[Tensor, "n d"]:
    return F.normalize(x.flatten(1) - x.mean((1, 2, 3))[:, None], dim=1)


def _sentence(views: Views, losses: list[_Loss], classes: tuple[str, ...]) -> str:
    worst = max(losses, key=lambda loss: abs(loss.before - loss.after))
    a, b = (classes[k] for k in worst.pair)
    more = {1: "", 2: ", and 1 more pair of classes"}.get(len(losses), f", and {len(losses) - 1} more pairs of classes")
    by = ", ".join(f"{name} {_words(value)}" for name, value in views.changed.items() if name in worst.by)
    if worst.what == _SHAPE:
        seen = f"{_SHAPE} {a!r} looks like {b!r}{more} (correlation of the means {worst.after:.2f}, "
        seen += f"{worst.before:.2f} as they are)"
    else:
        seen = f"{worst.what} tells {a!r} from {b!r}{more} (AUC {worst.before:.2f}), but hardly in these views "
        seen += f"({worst.after:.2f}; chance is 0.5)"
    return f"{seen}: if that is what the labels mean, choose views with less of {by}"


def _words(value: tuple[float, float] | float) -> str:
    return f"{value[0]:.3g} to {value[1]:.3g}" if isinstance(value, tuple) else f"{value:.3g}"
