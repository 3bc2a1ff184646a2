"""What can be read as images becomes (n, h, w, c) in one of three number types, or is refused in one line."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from headstart.data import fit
from headstart.errors import UserError

WANTED = "images of shape (n, height, width) or (n, height, width, channels)"


def as_images(given: Any, name: str = "images") -> np.ndarray:
    """An array of shape (n, h, w) or (n, h, w, c) as uint8, uint16 or float32 of shape (n, h, w, c).

    Booleans become 0 and 255, other integers uint16 where they fit, everything else float32.

    Raises:
        UserError: for vectors, empty arrays, other numbers than real ones, NaN or infinite pixels; ``name`` says where.
    """
    array = np.asanyarray(given)
    if array.dtype.kind not in "buif":
        raise UserError(f"{name} holds {array.dtype}, not numbers: give uint8, uint16 or float pixels")
    array = _four_axes(array, name)
    if 0 in array.shape:
        raise UserError(f"{name} is empty, its shape is {array.shape}: give at least one image of at least one pixel")
    return _three_types(array, name)


def _four_axes(array: np.ndarray, name: str) -> np.ndarray:
    if array.ndim == 3:
        return array[..., None]
    if array.ndim == 2:
        raise UserError(f"{name} holds vectors, its shape is {array.shape}: give {WANTED}")
    if array.ndim != 4:
        raise UserError(f"{name} has the shape {array.shape}: give {WANTED}")
    if array.shape[1] <= 4 and min(array.shape[2:]) > 4:
        raise UserError(f"{name} of shape {array.shape} has its channels first: give them last, .transpose(0, 2, 3, 1)")
    return array


def _three_types(array: np.ndarray, name: str) -> np.ndarray:
    kind = array.dtype.kind
    if kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    if kind == "f":
        return _finite(array, name)
    if array.dtype.itemsize <= 2 and kind == "u":
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.min() >= 0 and array.max() <= 65535:
        return array.astype(np.uint16)
    return array.astype(np.float32)


def _finite(array: np.ndarray, name: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        array = array.astype(np.float32, copy=False)
    bad = np.flatnonzero(~np.isfinite(array).all(axis=(1, 2, 3)))
    if len(bad):
        others = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        raise UserError(f"{name}/{bad[0]}{others} holds NaN or infinite pixels: repair or remove such images")
    return array


def join(blocks: Sequence[np.ndarray]) -> tuple[np.ndarray, list[str]]:
    """Blocks of images (n, h, w, c) as one array, whatever their sizes, and notes on what that changed.

    Sizes follow ``fit.frame``; grey among colour is repeated in every channel; 8-bit among 16-bit keeps its brightness
    (times 257).
    """
    sizes = [block.shape[1:3] for block in blocks for _ in range(len(block))]
    size = fit.frame(sizes, [block.shape[3] * block.itemsize for block in blocks for _ in range(len(block))])
    notes = [] if size is None else [size_note(sizes, size)]
    alike, more = same_kind(blocks)
    return np.concatenate(alike if size is None else [fit.fit(block, size) for block in alike]), notes + more


def size_note(sizes: Sequence[tuple[int, int]], size: tuple[int, int]) -> str:
    """The sentence that says that images were resized, from what to what."""
    areas = sorted(set(sizes), key=lambda s: s[0] * s[1])
    extent = " to ".join(f"{w}×{h}" for h, w in dict.fromkeys((areas[0], areas[-1])))
    return (
        f"images of {extent} pixels were fitted into {size[1]}×{size[0]}, keeping their aspect ratio, "
        "padded with the median of each image's border"
    )


def same_kind(blocks: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[str]]:
    """Blocks of images brought to one number of channels and one number type, and notes on what that changed."""
    notes = []
    channels = Counter(n for block in blocks for n in [block.shape[3]] * len(block))
    if len(channels) > 1:
        if len(channels) > 2 or 1 not in channels:
            raise UserError(
                f"images have {_listed(channels)} channels: give all the same number (grey may be among them)"
            )
        notes.append(
            f"{channels[1]} grey images among images of {max(channels)} channels were repeated in every channel"
        )
        blocks = [np.broadcast_to(b, (*b.shape[:3], max(channels))) for b in blocks]
    types = Counter(t for block in blocks for t in [block.dtype.name] * len(block))
    if len(types) > 1:
        if "float32" in types:
            raise UserError(f"images hold {_listed(types)} numbers, whose scales differ: give all of one type")
        notes.append(f"{types['uint8']} images of 8 bits among images of 16 bits were multiplied by 257")
        blocks = [b.astype(np.uint16) * 257 if b.dtype == np.uint8 else b for b in blocks]
    return list(blocks), notes


def _listed(counts: Counter) -> str:
    return " and ".join(f"{value} ({count} images)" for value, count in sorted(counts.items()))
