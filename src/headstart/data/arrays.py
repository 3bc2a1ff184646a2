"""Arrays in memory or in an .npz file: unlabelled and labelled images apart, or together with -1 for no label."""

import math
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headstart.data.dataset import Dataset, Numbered
from headstart.data.images import as_images, join
from headstart.data.labels import MISSING, class_labels, groups, one_each, spelling, splits, text
from headstart.data.room import check_memory
from headstart.errors import UserError

_KNOWN = ("images", "unlabelled", "labelled", "labels", "class_names", "groups", "splits")
_WANTED = "'images' (and 'labels'), or 'unlabelled', 'labelled' and 'labels'"


def read_npz(path: Path) -> Dataset:
    """The data set in an .npz file, or the images in an .npy file. Pickled objects are refused.

    What is stored uncompressed is mapped, so that only the rows that are used come into memory.

    Raises:
        UserError: nothing of the kind, or an array that is compressed and would not fit into memory.
    """
    try:
        if path.suffix.lower() == ".npy":
            arrays, ignored = {"images": np.load(path, mmap_mode="r", allow_pickle=False)}, []
        else:
            with zipfile.ZipFile(path) as archive:
                members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
                arrays = {key: _member(path, archive, info) for key, info in members.items() if spelling(key) in _KNOWN}
                ignored = sorted(set(members) - set(arrays))
    except UserError:
        raise
    except Exception as error:  # a damaged file makes its readers raise nearly anything, zlib.error for one
        if any(word in str(error) for word in ("pickle", "Object arrays", "Python objects")):
            raise UserError(
                f"{path} holds pickled objects, which can run code: save plain number arrays instead"
            ) from None
        raise UserError(f"{path} cannot be read ({_line(error)}): give a file that numpy.savez wrote") from None
    return from_keys(arrays, str(path), ignored)


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    """An array of an .npz file: mapped where it is stored as it is, otherwise read into memory, if it fits there."""
    with archive.open(info) as stream:
        version = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = header(stream)
        begins = stream.tell()
    if dtype.hasobject:
        raise ValueError("Object arrays are pickled")
    if info.compress_type == zipfile.ZIP_STORED and dtype.itemsize and 0 not in shape:
        with path.open("rb") as file:  # a member's own header lies before its data, with names of its own length
            file.seek(info.header_offset + 26)
            names, extra = struct.unpack("<HH", file.read(4))
        place = info.header_offset + 30 + names + extra + begins
        return np.memmap(path, dtype, "r", place, shape, "F" if fortran else "C")
    check_memory(math.prod(shape) * dtype.itemsize, f"{info.filename} in {path} is compressed, so that it")
    with archive.open(info) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def from_python(given: Any) -> Dataset:
    """A data set from ``images``, ``(images, labels)``, or a mapping with the keys of an .npz file."""
    if isinstance(given, Mapping):
        known = {key: value for key, value in given.items() if spelling(str(key)) in _KNOWN}
        return from_keys(known, "arrays", sorted(str(key) for key in given if key not in known))
    if isinstance(given, tuple):
        if len(given) != 2:
            raise UserError(f"a tuple of {len(given)} was given: give (images, labels)")
        return from_keys({"images": given[0], "labels": given[1]}, "arrays")
    return from_keys({"images": given}, "arrays")


def from_keys(arrays: Mapping[str, Any], source: str, ignored: Sequence[str] = ()) -> Dataset:
    """A data set from named arrays, in British or American spelling.

    Either ``images`` with optional ``labels``, or ``unlabelled`` and/or ``labelled`` with ``labels``; optional
    ``class_names``; optional ``groups`` and ``splits``, one value an image (unlabelled ones first) or one a labelled
    image.
    """
    arrays = {spelling(key): value for key, value in arrays.items()}
    blocks = _blocks(arrays, source, ignored)
    inputs, notes = join([block for named in blocks.values() for block in named])
    n = len(inputs)
    ids = Numbered({name: sum(map(len, named)) for name, named in blocks.items()})
    n_labelled = n if "images" in blocks else sum(map(len, blocks.get("labelled", ())))
    labels, class_names = np.full(n, MISSING), ()
    names = None
    if "class_names" in arrays:
        names = [str(text(name, "class name")) for name in np.ravel(arrays["class_names"]).tolist()]
    if n_labelled and "labels" in arrays:
        given = one_each(arrays["labels"], n_labelled, "labels")
        labels[n - n_labelled :], class_names = class_labels(given, names)
    elif names is not None:
        class_names = tuple(names)
    if ignored:
        notes.append(f"arrays of other names were ignored: {', '.join(ignored)}")
    return Dataset(
        inputs, labels, ids, class_names, source,
        groups=groups(_spread(arrays, "groups", n, n_labelled)),
        splits=splits(_spread(arrays, "splits", n, n_labelled)),
        notes=tuple(notes),
    )  # fmt: skip


def _blocks(arrays: Mapping[str, Any], source: str, ignored: Sequence[str]) -> dict[str, list[np.ndarray]]:
    """Name -> images, in pieces of one size each; unlabelled ones first, empty arrays left out."""
    names = [name for name in ("images", "unlabelled", "labelled") if name in arrays]
    if not names:
        found = ", ".join([*arrays, *ignored]) or "nothing"
        raise UserError(f"{source} holds {found}: give {_WANTED}")
    if "images" in names and len(names) > 1:
        raise UserError(f"{source} holds {', '.join(names)}: give {_WANTED}, not both")
    if "labelled" in names and "labels" not in arrays:
        raise UserError(f"{source} holds {', '.join(arrays)} but no 'labels': give one label for each labelled image")
    if "labels" in arrays and names == ["unlabelled"]:
        raise UserError(f"{source} holds {', '.join(arrays)}: 'labels' need the images they belong to, 'labelled'")
    pieces = {name: _pieces(arrays[name], name) for name in names}
    if not any(pieces.values()):
        raise UserError(f"{source} holds no image in {' and '.join(names)}: give at least one")
    return {name: some for name, some in pieces.items() if some}


def _pieces(given: Any, name: str) -> list[np.ndarray]:
    if not isinstance(given, list):
        return [] if np.shape(given)[:1] == (0,) else [as_images(given, name)]
    images = [np.asarray(image) for image in given]
    if len({(image.shape, image.dtype) for image in images}) == 1:
        return [as_images(np.stack(images), name)]
    if any(image.ndim not in (2, 3) for image in images):
        raise UserError(f"{name} is a list of arrays, not all of them images: give shapes (h, w) or (h, w, channels)")
    return [as_images(image[None], f"{name}/{i}") for i, image in enumerate(images)]


def _spread(arrays: Mapping[str, Any], name: str, n: int, n_labelled: int) -> np.ndarray | None:
    if name not in arrays:
        return None
    if np.size(arrays[name]) == n_labelled:
        missing = np.full(n - n_labelled, None, dtype=object)
        return np.concatenate([missing, one_each(arrays[name], n_labelled, name)])
    return one_each(arrays[name], n, name)
