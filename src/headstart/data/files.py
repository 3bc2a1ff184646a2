"""Image files become arrays, page by page; a file that cannot be read is named, skipped and counted."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, ImageSequence

from headstart.data.fit import fit, frame
from headstart.data.images import as_images, join, size_note
from headstart.errors import UserError

TIFF = (".tif", ".tiff")
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm", ".pbm", ".pnm", *TIFF})
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM")  # named, a small file opens 4 times faster
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ROTATED, _ORIENTATION = (5, 6, 7, 8), 274
_MOST_COMPRESSED = 1100  # deflate's limit is 1032


@dataclass(frozen=True)
class Pictures:
    """What was read: ``images`` (n, h, w, c), and for each its name and the place of its file among those given."""

    images: np.ndarray
    ids: tuple[str, ...]
    origin: np.ndarray
    notes: tuple[str, ...]


def read_all(files: Sequence[Path | bytes], names: Sequence[str]) -> Pictures:
    """Read image files (or their bytes), bringing them to one size, number of channels and type where they differ.

    Raises:
        UserError: where none can be read, or an image holds NaN.
    """
    headers = {i: found for i, file in enumerate(files) if isinstance(found := _attempt(header, file), Header)}
    blocks, size = _decode(files, names, headers)
    if not blocks:
        reason = _attempt(_read_as, files[0], names[0], None) if 0 in headers else _attempt(header, files[0])
        reason = " ".join(str(reason).split())[:200]
        raise UserError(f"none of {len(files)} files could be read as an image, the first is {names[0]} ({reason})")
    images, notes = join(list(blocks.values()))
    if size is not None:
        notes.insert(0, size_note([headers[i].size for i in blocks], size))
    failed = [name for i, name in enumerate(names) if i not in blocks]
    if failed:
        notes.insert(0, f"{len(failed)} of {len(files)} files could not be read and were skipped: {listed(failed)}")
    ids = tuple(name for i, block in blocks.items() for name in _page_names(names[i], len(block)))
    return Pictures(images, ids, np.repeat(list(blocks), [len(block) for block in blocks.values()]), tuple(notes))


def _decode(
    files: Sequence[Path | bytes], names: Sequence[str], headers: "Mapping[int, Header]"
) -> tuple[dict[int, np.ndarray], tuple[int, int] | None]:
    """Place -> pages of the files that can be decoded, in their common frame if they need one, and that frame."""
    size = _frame(headers)
    found = {i: _attempt(_read_as, files[i], names[i], size) for i in headers}
    blocks = {i: block for i, block in found.items() if isinstance(block, np.ndarray)}
    sound = {i: headers[i] for i in blocks}
    if _frame(sound) != size:  # a broken file must not decide the size of the others
        return _decode(files, names, sound)
    return blocks, size


def _frame(headers: "Mapping[int, Header]") -> tuple[int, int] | None:
    if not headers:
        return None
    return frame([h.size for h in headers.values()], [h.pixel_bytes for h in headers.values()])


def _page_names(name: str, pages: int) -> list[str]:
    return [name] if pages == 1 else [f"{name}/{page}" for page in range(pages)]


def listed(names: Sequence[str]) -> str:
    """At most five names, and how many more there are."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


@dataclass(frozen=True)
class Header:
    """What a file says of its picture before it is decoded: (h, w), and bytes a pixel with all its pages."""

    size: tuple[int, int]
    pixel_bytes: int


def _attempt(read: Callable, *given: Any) -> Any:
    """What ``read`` returns, or what a corrupt file makes it raise."""
    try:
        return read(*given)
    except UserError:
        raise
    except Exception as error:  # on a damaged file decoders raise nearly anything, division by zero included
        return error


def _read_as(file: Path | bytes, name: str, size: tuple[int, int] | None) -> np.ndarray:
    images = as_images(read(file), name)
    return images if size is None else fit(images, size)


def header(file: Path | bytes) -> Header:
    """Size of a file's picture, without decoding it."""
    if is_tiff(file):
        with _tiff(file) as tiff:
            series = tiff.series[0]
            stored = tiff.filehandle.size
        n, h, w, c = _layout(series)[1]
        if series.dtype is None or n * h * w * c * series.dtype.itemsize > _MOST_COMPRESSED * stored:
            raise OSError(f"its header promises {n} pages of {w}×{h} pixels, which {stored} bytes cannot hold")
        return Header((h, w), n * c * series.dtype.itemsize)
    with Image.open(_stream(file), formats=_FORMATS) as image:
        turned = image.format in ("JPEG", "MPO") and image.getexif().get(_ORIENTATION) in _ROTATED
        w, h = image.size
        return Header((w, h) if turned else (h, w), len(image.getbands()))


def read(file: Path | bytes) -> np.ndarray:
    """A file's pictures: (pages, h, w, c)."""
    if is_tiff(file):
        return _read_tiff(file)
    with Image.open(_stream(file), formats=_FORMATS) as image:
        return _picture(image)[None]


def _stream(file: Path | bytes) -> Path | BytesIO:
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
    channels = [i for i, axis in enumerate(series.axes) if axis in "CS"]
    pages = [i for i, axis in enumerate(series.axes) if axis not in "YXCS"]
    y, x = series.axes.index("Y"), series.axes.index("X")
    n, c = (math.prod(series.shape[i] for i in some) for some in (pages, channels))
    return [*pages, y, x, *channels], (n, series.shape[y], series.shape[x], c)


def _read_tiff(file: Path | bytes) -> np.ndarray:
    with _tiff(file) as tiff:
        order, shape = _layout(tiff.series[0])
        try:
            return tiff.asarray(series=0).transpose(order).reshape(shape)
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
    with Image.open(
        _stream(file), formats=_FORMATS
    ) as image:  # pillow knows compressions that tifffile leaves to another package
        return np.stack([_picture(page) for page in ImageSequence.Iterator(image)])
