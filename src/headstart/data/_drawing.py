"""What drawing needs: rows keyed by their number, a grid of pixels, a lens, and the check of what was asked."""

from collections.abc import Callable

import numpy as np
from scipy import fft

from headstart.errors import UserError

BLOCK = 64
SMALLEST = 16

Rows = tuple[np.ndarray, dict[str, np.ndarray]]


def draw_rows(draw: Callable[[np.random.Generator, int], Rows], n: int, *, key: tuple[int, ...]) -> Rows:
    """The first n rows of an endless sheet of drawings: row i depends on the key and i, never on n.

    draw(rng, BLOCK) returns images (BLOCK, h, w, c) and factors (BLOCK,). Block b is always drawn whole, from the
    seed sequence (*key, b), and the last one is cut: a shorter sheet is the beginning of a longer one.
    """
    blocks = [draw(np.random.default_rng([*key, block]), BLOCK) for block in range(max(1, -(-n // BLOCK)))]
    factors = {name: np.concatenate([drawn[name] for _, drawn in blocks])[:n] for name in blocks[0][1]}
    return np.concatenate([images for images, _ in blocks])[:n], factors


def pixel_grid(size: int, margin: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Column and row, x and y, of every pixel's centre, each (1, h, w) float32; the image begins at 0."""
    steps = np.arange(-margin, size + margin, dtype=np.float32)
    x, y = np.meshgrid(steps, steps)
    return x[None], y[None]


def column(values: np.ndarray) -> np.ndarray:
    """(n,) numbers as (n, 1, 1) float32, to combine with n images."""
    return np.asarray(values, np.float32)[:, None, None]


def blur(images: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Each image (n, h, w) under a Gaussian point-spread function of its own width (n,) in pixels; edges wrap."""
    rows, columns = fft.fftfreq(images.shape[1])[:, None], fft.rfftfreq(images.shape[2])
    passed = np.exp(-2 * (np.pi * column(width)) ** 2 * np.float32(rows**2 + columns**2))
    return np.asarray(fft.irfft2(np.asarray(fft.rfft2(images)) * passed, s=images.shape[1:]))


def smooth_noise(rng: np.random.Generator, n: int, size: int, *, width: float) -> np.ndarray:
    """(n, size, size) of mean 0 and, where the width is a pixel or more, unit variance: white noise, blurred."""
    white = rng.standard_normal((n, size, size), np.float32)
    return blur(white, np.full(n, width)) * np.float32(2 * np.sqrt(np.pi) * width)


def check_request(*, size: int, seed: int, **counts: int) -> None:
    """Raise UserError for a count or seed below zero, for no image at all, and for images too small to show a shape."""
    for name, count in {**counts, "seed": seed}.items():
        if count < 0:
            raise UserError(f"{name}={count}: wanted 0 or more")
    if not any(counts.values()):
        raise UserError(f"{' and '.join(counts)} are 0: ask for at least one image")
    if size < SMALLEST:
        raise UserError(f"size={size}: a drawing needs at least {SMALLEST} pixels a side; ask for size={SMALLEST}")
