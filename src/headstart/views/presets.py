"""The named sets of views, and the rule by which the data itself chooses one."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float

from headstart.data.dataset import Dataset
from headstart.data.inputs import evenly
from headstart.data.pixels import Pixels
from headstart.errors import unknown
from headstart.views import measures
from headstart.views.cautions import cautions as cautions
from headstart.views.random import image_keys
from headstart.views.views import Views

PRESETS: dict[str, Views] = {
    "digits": Views(
        rotation=(-12.0, 12.0),
        shear=(-12.0, 12.0),
        scale=(0.85, 1.15),
        translation=(-0.08, 0.08),
    ),
    "natural": Views(
        crop=(0.2, 1.0),
        aspect=(3 / 4, 4 / 3),
        flip_horizontal=0.5,
        brightness=(0.6, 1.4),
        contrast=(0.6, 1.4),
        saturation=(0.6, 1.4),
        hue=(-0.1, 0.1),
        jitter=0.8,
        grey=0.2,
        blur=(0.1, 0.8),
        blur_probability=0.5,
    ),
    "microscopy": Views(
        rotation=(-180.0, 180.0),
        scale=(0.9, 1.1),
        translation=(-0.05, 0.05),
        flip_horizontal=0.5,
        flip_vertical=0.5,
        brightness=(0.7, 1.3),
        contrast=(0.7, 1.3),
        blur=(0.1, 0.8),
        blur_probability=0.5,
        noise=(0.0, 0.04),
    ),
    "identity": Views(),
}
PRESETS["objects"] = replace(PRESETS["digits"], brightness=(0.7, 1.3), contrast=(0.7, 1.3))

COLOURED = 0.02  # mean range over an image's three channels; grey images stored as RGB have 0, CIFAR-10 0.13
UPRIGHT = 0.06  # anisotropy of edges; MNIST 0.24, Fashion-MNIST 0.21, grey CIFAR-10 0.09, real cells 0.03, noise 0.00
EMPTY = 0.75  # spread at the border over spread anywhere; MNIST 0.0, scikit-learn's digits 0.5, CIFAR-10 1.07
GIVEN_AWAY = 0.15  # share that tones find in the views of digits; MNIST 0.02, drawn cells 0.29, drawn shapes 0.72
_SAMPLE, _VIEWED = 1000, 512


def resolve(name: str | None, dataset: Dataset) -> tuple[str, Views, str]:
    """The preset of that name, or with None the one that the data chooses: its name, the views, and why.

    Raises:
        UserError: for a name that is no preset.
    """
    if name is None:
        name, reason = choose(dataset)
        return name, PRESETS[name], reason
    if name not in PRESETS:
        raise unknown("views", name, PRESETS)
    return name, PRESETS[name], "they were asked for by name"


def choose(dataset: Dataset) -> tuple[str, str]:
    """The preset's name and the reason as a sentence, from at most 1,000 images evenly spaced, never from labels.

    natural, where the images have colours; otherwise microscopy, where their edges have no preferred orientation;
    otherwise natural, unless the border is empty; then objects, where tones give an image away in the views of digits,
    or else digits. docs/views.md has the measures and their values.
    """
    x = _sample(dataset)
    colour = float(np.ptp(x, axis=1).mean()) if x.shape[1] == 3 else 0.0
    if colour > COLOURED:
        return "natural", f"the images have colours (their channels differ by {colour:.2f} on average)"
    grey = x.mean(1)
    turned = anisotropy(grey)
    if turned < UPRIGHT:
        return "microscopy", f"the images have no preferred orientation (anisotropy {turned:.2f}, below {UPRIGHT})"
    border = border_spread(grey)
    upright = f"the images are grey and upright (anisotropy {turned:.2f})"
    if border < EMPTY:
        upright += f", on an empty border (spread there {border:.2f} of that anywhere)"
        share = _given_away(torch.from_numpy(x[:: -(-len(x) // _VIEWED)]))
        if share < GIVEN_AWAY:
            return "digits", upright
        return "objects", f"{upright}; tones alone would give {share:.0%} of them away"
    return "natural", f"{upright}, and filled to the border (spread there {border:.2f} of that anywhere)"


def anisotropy(grey: Float[np.ndarray, "n h w"]) -> float:
    """0 where all directions of edges are equally strong, 1 where all edges have the same one.

    |mean of (g_x + i g_y)²| / mean of |g|²: a turn by 90 degrees flips the sign of the numerator, so pictures that are
    as likely turned as not have 0. The numerator is the geometric mean of both halves', so noise does not add to it.
    """
    gradient = (grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]) + 1j * (grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1])
    energy = float((np.abs(gradient) ** 2).mean()) if gradient.size else 0.0
    if energy == 0.0 or len(grey) < 2:
        return 0.0
    first, second = (gradient[start::2] ** 2 for start in (0, 1))
    agreement = float((first.mean() * second.mean().conj()).real)
    return max(0.0, agreement) ** 0.5 / energy


def border_spread(grey: Float[np.ndarray, "n h w"]) -> float:
    """Mean absolute deviation from the median at the border, as a share of that over whole images."""
    border = np.concatenate([grey[:, 0], grey[:, -1], grey[:, :, 0], grey[:, :, -1]], axis=1)
    inside, outside = (float(np.abs(part - np.median(part)).mean()) for part in (grey, border))
    return outside / inside if inside else 0.0


def _given_away(x: Float[torch.Tensor, "n c h w"]) -> float:
    """Share of the images, beyond what chance may do, whose views of digits are paired by their tones."""
    views = (PRESETS["digits"](x, image_keys(torch.arange(len(x)), seed=0, epoch=0, stream=s)) for s in (201, 202))
    return measures.light(*views) - 3 / len(x)


def _sample(dataset: Dataset) -> Float[np.ndarray, "n c h w"]:
    return Pixels.fit(dataset.inputs)(dataset.inputs.read(evenly(len(dataset), _SAMPLE)))
