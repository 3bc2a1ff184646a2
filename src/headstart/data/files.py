"""Image files become arrays, page by page; a file that cannot be read is named, skipped and counted."""

import math
import os
import struct
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, ImageOps, ImageSequence

from headstart.data.fit import fit, frame
from headstart.data.images import as_images, same_kind, size_note
from headstart.errors import UserError

TIFF = (".tif", ".tiff")
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm", ".pbm", ".pnm", *TIFF})
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ROTATED, _ORIENTATION = (5, 6, 7, 8), 274
_UNREADABLE = (
    OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, struct.error, zlib.error,
    Image.DecompressionBombError,
)  # fmt: skip


@dataclass(frozen=True)
class Pictures:
    """What was read: ``images`` (n, h, w, c), and for each the place of its file, its page there, and its name."""

    images: np.ndarray
    origin: np.ndarray
    page: np.ndarray
    ids: tuple[str, ...]
    notes: tuple[str, ...]


def read_all(files: Sequence[Path | bytes], names: Sequence[str]) -> Pictures:
    """Read image files (or their bytes), bringing them to one size, number of channels and type where they differ.

    Raises:
        UserError: where none can be read, or an image holds NaN.
    """
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        headers = list(pool.map(_attempt(header), files))
        good = [i for i, found in enumerate(headers) if isinstance(found, Header)]
        size = frame([h.size for h in _headers(headers)], [h.pixel_bytes for h in _headers(headers)]) if good else None
        reader = _attempt(lambda i: _read_as(files[i], names[i], size))
        blocks: dict[int, Any] = dict(zip(good, pool.map(reader, good), strict=True))
    failed = {i: str(found) for i, found in enumerate(headers) if i not in blocks}
    failed |= {i: str(found) for i, found in blocks.items() if not isinstance(found, np.ndarray)}
    kept = [i for i in good if i not in failed]
    if not kept:
        raise UserError(f"none of {len(files)} files could be read as an image, the first is {names[0]} ({failed[0]})")
    return _joined([blocks[i] for i in kept], kept, names, _headers(headers), size, [names[i] for i in failed])


def _joined(
    blocks: list[np.ndarray], kept: list[int], names: Sequence[str], headers: "list[Header]",
    size: tuple[int, int] | None, failed: list[str],
) -> Pictures:  # fmt: skip
    sizes = [block.shape[1:3] for block in blocks]
    if size is None and len(set(sizes)) > 1:  # a header that disagrees with its picture
        size = frame(sizes, [1] * len(sizes))
        blocks = [fit(block, size) for block in blocks] if size else blocks
    blocks, notes = same_kind(blocks)
    if size is not None:
        notes.insert(0, size_note([h.size for h in headers], size))
    if failed:
        total = len(failed) + len(kept)
        notes.insert(0, f"{len(failed)} of {total} files could not be read and were skipped: {listed(failed)}")
    origin = np.repeat(kept, [len(block) for block in blocks])
    page = np.concatenate([np.arange(len(block)) for block in blocks])
    stacks = {i for i, block in zip(kept, blocks, strict=True) if len(block) > 1}
    ids = tuple(f"{names[i]}/{p}" if i in stacks else names[i] for i, p in zip(origin, page, strict=True))
    return Pictures(np.concatenate(blocks), origin, page, ids, tuple(notes))


def listed(names: Sequence[str]) -> str:
    """At most five names, and how many more there are."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


@dataclass(frozen=True)
class Header:
    """What a file says of its picture before it is decoded: (h, w), and bytes a pixel with all its pages."""

    size: tuple[int, int]
    pixel_bytes: int


def _headers(found: Sequence[Any]) -> list[Header]:
    return [header for header in found if isinstance(header, Header)]


def _attempt(read: Callable) -> Callable:
    """``read``, returning what a corrupt file raises."""

    def attempt(file: Any) -> Any:
        try:
            return read(file)
        except UserError:
            raise
        except _UNREADABLE as error:
            return error

    return attempt


def _read_as(file: Path | bytes, name: str, size: tuple[int, int] | None) -> np.ndarray:
    images = as_images(read(file), name)
    return images if size is None else fit(images, size)


def header(file: Path | bytes) -> Header:
    """Size of a file's picture, without decoding it."""
    if is_tiff(file):
        with _tiff(file) as tiff:
            series = tiff.series[0]
            pages, h, w, c = _layout(series)[1]
        return Header((h, w), pages * c * series.dtype.itemsize)
    with Image.open(_stream(file)) as image:
        turned = image.format in ("JPEG", "MPO") and image.getexif().get(_ORIENTATION) in _ROTATED
        return Header(image.size if turned else image.size[::-1], 3)


def read(file: Path | bytes) -> np.ndarray:
    """A file's pictures: (pages, h, w, c)."""
    if is_tiff(file):
        return _read_tiff(file)
    with Image.open(_stream(file)) as image:
        return _picture(image)[None]


def _stream(file: Path | bytes) -> Path | IO[bytes]:
    return BytesIO(file) if isinstance(file, bytes) else file


def _picture(image: Image.Image) -> np.ndarray:
    """(h, w, c) as stored: 8- and 16-bit grey, RGB, floats; anything else as RGB; transparency laid over white."""
    if image.getexif().get(_ORIENTATION, 1) != 1:
        image = ImageOps.exif_transpose(image)
    if "transparency" in image.info or "A" in image.getbands() or "a" in image.getbands():
        grey = image.mode.startswith("L")
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("L" if grey else "RGB")
    elif image.mode == "1":
        image = image.convert("L")
    elif image.mode not in ("L", "RGB", "F") and not image.mode.startswith("I"):
        image = image.convert("RGB")
    pixels = np.array(image)
    return pixels if pixels.ndim == 3 else pixels[..., None]


def is_tiff(file: Path | bytes) -> bool:
    """Whether a file is a TIFF, by its name, or by its first bytes."""
    return file.startswith(_TIFF_MAGIC) if isinstance(file, bytes) else file.suffix.lower() in TIFF


def _tiff(file: Path | bytes) -> Any:
    try:
        import tifffile
    except ImportError:
        name = "TIFF images" if isinstance(file, bytes) else file.name
        raise UserError(f"{name} needs the package tifffile: pip install 'headstart[tiff]'") from None
    return tifffile.TiffFile(_stream(file))


def _layout(series: Any) -> tuple[list[int], tuple[int, int, int, int]]:
    """How a TIFF's axes become (pages, h, w, c): their order, and that shape.

    Axes named C (channel) or S (sample) are channels; all others but Y and X (time, depth, unnamed) are pages.
    """
    place = {axis: i for i, axis in enumerate(series.axes)}
    channels = [i for axis, i in place.items() if axis in "CS"]
    pages = [i for axis, i in place.items() if axis not in "YXCS"]
    y, x = place["Y"], place["X"]
    shape = math.prod(series.shape[i] for i in pages), series.shape[y], series.shape[x]
    return [*pages, y, x, *channels], (*shape, math.prod(series.shape[i] for i in channels))


def _read_tiff(file: Path | bytes) -> np.ndarray:
    with _tiff(file) as tiff:
        order, shape = _layout(tiff.series[0])
        try:
            return tiff.asarray(series=0).transpose(order).reshape(shape)
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
    with Image.open(_stream(file)) as image:  # pillow knows compressions that tifffile leaves to another package
        return np.stack([_picture(page) for page in ImageSequence.Iterator(image)])
