"""Images of other sizes are fitted into one frame: scaled by area, centred, padded with their own border's median."""

from collections.abc import Sequence

import numpy as np

LONGEST = 256
LARGEST = 2 << 30


def frame(sizes: Sequence[tuple[int, int]], pixel_bytes: Sequence[int]) -> tuple[int, int]:
    """The size (h, w) of images where no other is asked for: their own where they have one.

    Otherwise, or where images of over 256 pixels would fill more than 2 GiB, a square whose side is the median longer
    side, at most 256 pixels. ``pixel_bytes`` is each image's bytes a pixel.
    """
    total = sum(h * w * b for (h, w), b in zip(sizes, pixel_bytes, strict=True))
    if len(set(sizes)) == 1 and (total <= LARGEST or max(sizes[0]) <= LONGEST):
        return sizes[0]
    side = min(LONGEST, round(float(np.median([max(size) for size in sizes]))))
    return side, side


def fit(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(n, h, w, c) -> (n, *size, c) of the same dtype; the whole image is kept, and its aspect ratio.

    What is left of the frame is filled, an image and a channel at a time, with the median of the image's border.
    """
    if images.shape[1:3] == tuple(size):
        return images
    planes = images.transpose(0, 3, 1, 2).astype(np.float32)
    fitted = fit_planes(planes, size).transpose(0, 2, 3, 1)
    if np.issubdtype(images.dtype, np.integer):
        fitted = np.rint(fitted)
    return np.ascontiguousarray(fitted.astype(images.dtype))


def fit_planes(planes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """``fit`` for float32 planes: (n, c, h, w) -> (n, c, *size)."""
    h, w = planes.shape[2:]
    scale = min(size[0] / h, size[1] / w)
    inner = max(1, round(h * scale)), max(1, round(w * scale))
    inner = min(inner[0], size[0]), min(inner[1], size[1])
    scaled = _shrink_or_enlarge(planes, inner)
    if inner == tuple(size):
        return scaled
    border = np.concatenate([planes[:, :, 0], planes[:, :, -1], planes[:, :, :, 0], planes[:, :, :, -1]], axis=2)
    fitted = np.empty((*planes.shape[:2], *size), np.float32)
    fitted[:] = np.median(border, axis=2)[:, :, None, None]
    top, left = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    fitted[:, :, top : top + inner[0], left : left + inner[1]] = scaled
    return fitted


def _shrink_or_enlarge(planes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    rows, columns = weights(planes.shape[2], size[0]), weights(planes.shape[3], size[1])
    return rows @ planes @ columns.T


def weights(n_in: int, n_out: int) -> np.ndarray:
    """(n_out, n_in) float32 matrix that resizes one axis; every row sums to one.

    Shrinking averages by area: each new pixel is the mean of what it covers. Enlarging interpolates linearly between
    pixel centres.
    """
    if n_in == n_out:
        return np.eye(n_in, dtype=np.float32)
    step = n_in / n_out
    if n_out < n_in:
        edges = np.arange(n_out + 1)[:, None] * step
        covered = np.clip(edges - np.arange(n_in), 0, 1)
        return ((covered[1:] - covered[:-1]) / step).astype(np.float32)
    centres = np.clip((np.arange(n_out) + 0.5) * step - 0.5, 0, n_in - 1)
    return np.clip(1 - abs(centres[:, None] - np.arange(n_in)), 0, 1).astype(np.float32)
