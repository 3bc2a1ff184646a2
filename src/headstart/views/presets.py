"""The named sets of views, and the rule by which the data itself chooses one."""

import numpy as np
from jaxtyping import Float

from headstart.data.dataset import Dataset
from headstart.data.pixels import Pixels
from headstart.errors import unknown
from headstart.views.cautions import cautions as cautions
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

COLOURED = 0.02  # mean range over an image's three channels; grey images stored as RGB have 0, CIFAR-10 0.13
UPRIGHT = 0.06  # anisotropy of edges; MNIST 0.24, Fashion-MNIST 0.21, grey CIFAR-10 0.09, real cells 0.03, noise 0.00
EMPTY = 0.75  # spread at the border over spread anywhere; MNIST 0.0, scikit-learn's digits 0.5, CIFAR-10 1.07
_SAMPLE = 1000


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
    otherwise digits, where the border is empty, or else natural. docs/views.md has the measures and their values.
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
        return "digits", f"{upright}, on an empty border (spread there {border:.2f} of that anywhere)"
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


def _sample(dataset: Dataset) -> Float[np.ndarray, "n c h w"]:
    rows = np.unique(np.linspace(0, len(dataset) - 1, min(_SAMPLE, len(dataset))).astype(np.int64))
    return Pixels.fit(dataset.images)(dataset.images[rows])
