"""What can be read as images becomes (n, h, w, c) in one of three number types, or is refused in one line."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from headstart.data import fit
from headstart.data.inputs import Images, Inputs, Joined
from headstart.errors import UserError

_COPIED = 256 << 20  # bytes: so much may be copied into one array, which is read faster than many
_CHECKED = 16 << 20  # numbers that are looked at together
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
    step = max(1, _CHECKED // max(1, int(np.prod(array.shape[1:]))))
    parts = (array[start : start + step] for start in range(0, len(array), step))
    bad = np.flatnonzero(~np.concatenate([np.isfinite(part).all(axis=(1, 2, 3)) for part in parts]))
    if len(bad):
        others = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        raise UserError(f"{name}/{bad[0]}{others} holds NaN or infinite pixels: repair or remove such images")
    return array


def join(blocks: Sequence[np.ndarray]) -> tuple[Inputs, list[str]]:
    """Blocks of images (n, h, w, c) as inputs, one after another, and notes on what that changed.

    Large blocks are not copied. Of blocks of several sizes each image is fitted from its own; ``fit.frame`` says into
    what where nothing else is asked for. Grey among colour is repeated in every channel; 8-bit among 16-bit keeps its
    brightness (times 257).
    """
    kind, notes = common_kind([(block.shape[3], block.dtype.name) for block in blocks for _ in range(len(block))])
    blocks = [kind.convert(block) for block in blocks]
    shape, more = common_shape([b.shape[1:3] for b in blocks for _ in range(len(b))], kind)
    small = sum(block.nbytes for block in blocks) <= _COPIED and all(block.shape[1:] == shape for block in blocks)
    if len(blocks) == 1 or small:
        return Images(blocks[0] if len(blocks) == 1 else np.concatenate(blocks)), more + notes
    return Joined([Images(block) for block in blocks], shape), more + notes


def common_shape(sizes: Sequence[tuple[int, int]], kind: "Kind") -> tuple[tuple[int, int, int], list[str]]:
    """The (h, w, c) of images where no other size is asked for, and a note where not all of them have it."""
    size = fit.frame(sizes, [kind.pixel_bytes] * len(sizes))
    shape = (*size, kind.channels)
    if set(sizes) == {size}:
        return shape, []
    areas = sorted(set(sizes), key=lambda s: s[0] * s[1])
    extent = " to ".join(f"{w}×{h}" for h, w in dict.fromkeys((areas[0], areas[-1])))
    return shape, [
        f"images of {extent} pixels are fitted into {size[1]}×{size[0]}, or the size that is asked for, each from its "
        "own pixels, keeping their aspect ratio, padded with the median of each image's border"
    ]


class Kind(NamedTuple):
    """What images of one set have in common: the numbers a pixel has, and their type."""

    channels: int
    dtype: str

    @property
    def pixel_bytes(self) -> int:
        """Bytes a pixel."""
        return self.channels * np.dtype(self.dtype).itemsize

    def convert(self, block: np.ndarray) -> np.ndarray:
        """Images (n, h, w, c), grey repeated in every channel and 8 bits brought to 16 where the others are so."""
        if block.shape[3] != self.channels:
            block = np.broadcast_to(block, (*block.shape[:3], self.channels))
        return block if block.dtype.name == self.dtype else block.astype(np.uint16) * 257


def common_kind(kinds: Sequence[tuple[int, str]]) -> tuple[Kind, list[str]]:
    """The kind that images of these (channels, number type) are brought to, and notes on what that changes.

    Raises:
        UserError: channels or number types that cannot be brought together.
    """
    notes = []
    channels, types = Counter(c for c, _ in kinds), Counter(t for _, t in kinds)
    if len(channels) > 1:
        if len(channels) > 2 or 1 not in channels:
            raise UserError(
                f"images have {_listed(channels)} channels: give all the same number (grey may be among them)"
            )
        notes.append(
            f"{channels[1]} grey images among images of {max(channels)} channels were repeated in every channel"
        )
    if len(types) > 1:
        if "float32" in types:
            raise UserError(f"images hold {_listed(types)} numbers, whose scales differ: give all of one type")
        notes.append(f"{types['uint8']} images of 8 bits among images of 16 bits were multiplied by 257")
    return Kind(max(channels), next(iter(types)) if len(types) == 1 else "uint16"), notes


def _listed(counts: Counter) -> str:
    return " and ".join(f"{value} ({count} images)" for value, count in sorted(counts.items()))
