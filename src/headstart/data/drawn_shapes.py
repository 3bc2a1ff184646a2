"""Draw coloured shapes of which everything is known: where a test or a picture needs the truth behind an image."""

from functools import partial

import numpy as np

from headstart.data._drawing import Rows, check_request, column, draw_rows, pixel_grid
from headstart.data.dataset import Dataset, Numbered
from headstart.data.labels import MISSING
from headstart.errors import UserError

CLASS_NAMES = ("circle", "square", "triangle", "cross")
NOTE = "These images are drawn by a program; every factor behind them is known."

_ARM = np.sqrt(np.pi / 20)  # half the width of a cross of five squares, whose area is that of the unit circle


def make_shapes(n: int = 3000, *, labelled: int | None = None, size: int = 32, seed: int = 0) -> Dataset:
    """Draw n coloured shapes on grey, (n, size, size, 3) uint8 RGB with smooth edges, and tell every factor.

    All images are labelled; with ``labelled`` given, only the last so many are, and the rest have label -1. Image i
    follows from seed, size and i alone, so fewer images are the beginning of more.

    ``factors``, all drawn independently: shape (its class), hue ([0, 1), red at 0), radius (pixels; of the circle
    with the same area, so that area does not tell the shape), x and y (pixels, of the centroid), rotation (radians
    in [0, 2π); it cannot be seen in a circle, and repeats after a quarter turn in squares and crosses, after a third
    in triangles), background (grey value from 0 to 1).

    Raises UserError for a negative count or seed, no image, more labels than images, or a size below 16.
    """
    check_request(size=size, seed=seed, n=n)
    labelled = n if labelled is None else labelled
    if not 0 <= labelled <= n:
        raise UserError(f"labelled={labelled} of n={n} images: wanted 0 to {n}")
    images, factors = draw_rows(partial(_draw_block, size=size), n, key=(seed,))
    first = n - labelled
    return Dataset(
        inputs=images,
        labels=np.where(np.arange(n) >= first, factors["shape"], MISSING),
        ids=Numbered({"unlabelled": first, "labelled": labelled}),
        class_names=CLASS_NAMES,
        source="shapes (drawn)",
        factors=factors,
        notes=(NOTE,),
    )


def _draw_block(rng: np.random.Generator, n: int, *, size: int) -> Rows:
    factors = {
        "shape": rng.integers(len(CLASS_NAMES), size=n),
        "hue": rng.random(n),
        "radius": rng.uniform(0.14, 0.25, n) * size,
        "x": rng.uniform(0.4, 0.6, n) * size - 0.5,
        "y": rng.uniform(0.4, 0.6, n) * size - 0.5,
        "rotation": rng.uniform(0, 2 * np.pi, n),
        "background": rng.uniform(0, 0.6, n),
    }
    covered = (0.5 - _distance(factors, size)).clip(0, 1)[..., None]  # by the shape, of each pixel's area
    images = covered * _colour(factors["hue"]) + (1 - covered) * column(factors["background"])[..., None]
    return np.rint(255 * images).astype(np.uint8), factors


def _distance(factors: dict[str, np.ndarray], size: int) -> np.ndarray:
    """Pixels from each pixel's centre to the nearest side of the shape, negative inside; (n, h, w)."""
    x, y = pixel_grid(size)
    x, y, radius = x - column(factors["x"]), y - column(factors["y"]), column(factors["radius"])
    cosine, sine = np.cos(column(factors["rotation"])), np.sin(column(factors["rotation"]))
    x, y = x * cosine + y * sine, y * cosine - x * sine
    circle = np.hypot(x, y) - radius
    across, along = np.minimum(np.abs(x), np.abs(y)), np.maximum(np.abs(x), np.abs(y))
    cross = np.maximum(across - _ARM * radius, along - 3 * _ARM * radius)
    return np.choose(
        column(factors["shape"]).astype(int), [circle, _polygon(x, y, radius, 4), _polygon(x, y, radius, 3), cross]
    )


def _polygon(x: np.ndarray, y: np.ndarray, radius: np.ndarray, sides: int) -> np.ndarray:
    """Distance to the nearest side of the regular polygon whose area is that of the circle of this radius."""
    sector = np.pi / sides
    inner = radius * np.sqrt(sector / np.tan(sector))
    turn = (np.arctan2(y, x) + sector) % (2 * sector) - sector
    return np.hypot(x, y) * np.cos(turn) - inner


def _colour(hue: np.ndarray) -> np.ndarray:
    """(n, 1, 1, 3) RGB from 0.1 to 0.95 of a hue from 0 to 1 (Smith. Color gamut transform pairs. SIGGRAPH 1978)."""
    phase = (hue[:, None] * 6 + np.array([5, 3, 1])) % 6
    return (0.95 - 0.85 * np.minimum(phase, 4 - phase).clip(0, 1))[:, None, None, :]
