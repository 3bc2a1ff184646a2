"""Image files become arrays, page by page; a file that cannot be read is named, skipped and counted."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps, ImageSequence

from headstart.data.fit import LARGEST
from headstart.data.images import as_images, common_kind, common_shape, join
from headstart.data.inputs import Inputs, Pictures
from headstart.errors import UserError

TIFF = (".tif", ".tiff")
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm", ".pbm", ".pnm", *TIFF})
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM")  # named, a small file opens 4 times faster
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ORIENTATION = 274
_MOST_COMPRESSED = 1100  # deflate's limit is 1032


@dataclass(frozen=True)
class Read:
    """What was read: ``inputs``, and for each its name and the place of its file among those given."""

    inputs: Inputs
    ids: tuple[str, ...]
    origin: np.ndarray
    notes: tuple[str, ...]


def read_all(files: Sequence[Path | bytes], names: Sequence[str]) -> Read:
    """Read image files (or their bytes); each picture keeps its size, and all get one number of channels and type.

    Every file is decoded once. Beyond 2 GiB of pixels nothing is kept, and pictures are decoded again when they are
    asked for.

    Raises:
        UserError: where none can be read, or an image holds NaN.
    """
    blocks: dict[int, np.ndarray] = {}
    known: dict[int, _Known] = {}
    reason, size, large = None, 0, False
    for i, (file, name) in enumerate(zip(files, names, strict=True)):
        block = _attempt(_decoded, file, name)
        if isinstance(block, np.ndarray):
            known[i] = _Known(len(block), (block.shape[1], block.shape[2]), (block.shape[3], block.dtype.name))
            size += block.nbytes
            if size > LARGEST:
                large, blocks = True, {}
            elif not large:
                blocks[i] = block
        elif not i:
            reason = " ".join(str(block).split())[:200]
    if not known:
        raise UserError(f"none of {len(files)} files could be read as an image, the first is {names[0]} ({reason})")
    inputs, notes = _on_demand(files, names, known) if large else join(list(blocks.values()))
    failed = [name for i, name in enumerate(names) if i not in known]
    if failed:
        notes.insert(0, f"{len(failed)} of {len(files)} files could not be read and were skipped: {listed(failed)}")
    ids = tuple(name for i, one in known.items() for name in _page_names(names[i], one.pages))
    return Read(inputs, ids, np.repeat(list(known), [one.pages for one in known.values()]), tuple(notes))


class _Known(NamedTuple):
    """What decoding a file once told of it: its pages, their (h, w), and their channels and number type."""

    pages: int
    size: tuple[int, int]
    kind: tuple[int, str]


def _on_demand(
    files: Sequence[Path | bytes], names: Sequence[str], known: Mapping[int, _Known]
) -> tuple[Inputs, list[str]]:
    """Pictures that are decoded whenever they are asked for, in one kind."""
    pages = [(i, page) for i, one in known.items() for page in range(one.pages)]
    kind, notes = common_kind([known[i].kind for i, _ in pages])
    sizes = [known[i].size for i, _ in pages]
    shape, more = common_shape(sizes, kind)

    def read_one(place: int) -> np.ndarray:
        i, page = pages[place]
        return kind.convert(_decoded(files[i], names[i])[page : page + 1])[0]

    return Pictures(read_one, sizes, shape=shape, dtype=np.dtype(kind.dtype)), more + notes


def _page_names(name: str, pages: int) -> list[str]:
    return [name] if pages == 1 else [f"{name}/{page}" for page in range(pages)]


def listed(names: Sequence[str]) -> str:
    """At most five names, and how many more there are."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _attempt(read: Callable, *given: Any) -> Any:
    """What ``read`` returns, or what a corrupt file makes it raise."""
    try:
        return read(*given)
    except UserError:
        raise
    except Exception as error:  # on a damaged file decoders raise nearly anything, division by zero included
        return error


def _decoded(file: Path | bytes, name: str) -> np.ndarray:
    return as_images(read(file), name)


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
        series, stored = tiff.series[0], tiff.filehandle.size
        order, shape = _layout(series)
        if series.dtype is None or math.prod(shape) * series.dtype.itemsize > _MOST_COMPRESSED * stored:
            n, h, w, _ = shape
            raise OSError(f"its header promises {n} pages of {w}×{h} pixels, which {stored} bytes cannot hold")
        try:
            return tiff.asarray(series=0).transpose(order).reshape(shape)
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
    with Image.open(
        _stream(file), formats=_FORMATS
    ) as image:  # pillow knows compressions that tifffile leaves to another package
        return np.stack([_picture(page) for page in ImageSequence.Iterator(image)])
