"""One way in: whatever a user has, by name, path or array, becomes a Dataset."""

import logging
from dataclasses import replace
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from headstart.data.dataset import Dataset
from headstart.data.idx import is_idx, read_idx_images
from headstart.errors import UserError

_log = logging.getLogger(__name__)

NAMES = ("digits", "cells", "shapes", "mnist", "fashion-mnist", "cifar10")


def load(
    source: Any,
    *,
    data_root: str | Path | None = None,
    intensity: Literal["dataset", "image"] = "dataset",
    seed: int = 0,
) -> Dataset:
    """Load images with whatever labels they have; docs/data.md lists every form.

    The data set's notes (files skipped, sizes mixed, images drawn) are logged as warnings of the logger ``headstart``.

    Args:
        source: A name (digits, cells, shapes, mnist, fashion-mnist, cifar10); a path to an .npz or .npy file, a folder
            of images, a Parquet file or a folder of them, an IDX file of images, a TIFF stack, an image; a list of
            image paths; arrays: images, (images, labels), or a mapping with the keys of an .npz file; or a Dataset,
            which is returned.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA, then ~/.cache/headstart.
        intensity: Whether pixels are to be scaled by the range of the whole data set, or each image by its own.
        seed: Seed of the data sets that are drawn, cells and shapes.

    Raises:
        UserError: for anything that cannot be read as images, in one line.
    """
    if intensity not in ("dataset", "image"):
        raise UserError(f"intensity {intensity!r} is unknown: give dataset or image")
    found = read_source(source, data_root=data_root, seed=seed)
    if found is not source:
        for note in found.notes:
            _log.warning(note)
    return replace(found, per_image=True) if intensity == "image" else found


def read_source(source: Any, *, data_root: str | Path | None = None, seed: int = 0) -> Dataset:
    """What ``load`` gives, for a caller who shows the notes itself."""
    if isinstance(source, Dataset):
        return source
    if isinstance(source, str) and not source.strip():
        raise UserError(f"an empty source was given: give a path, or one of {', '.join(NAMES)}")
    if isinstance(source, str) and (name := _standard_name(source)):
        return _named(name, None if data_root is None else str(data_root), seed)
    if isinstance(source, str | PathLike):
        return _from_path(Path(source).expanduser())
    if isinstance(source, list) and source and all(isinstance(item, str | PathLike) for item in source):
        from headstart.data.folder import read_pictures

        return read_pictures([Path(item).expanduser() for item in source])
    from headstart.data.arrays import from_python

    return from_python(source)


def _standard_name(source: str) -> str | None:
    plain = {name.replace("-", ""): name for name in NAMES}
    return plain.get(source.lower().replace("-", "").replace("_", ""))


def _named(name: str, data_root: str | None, seed: int) -> Dataset:
    if name == "cells":
        from headstart.data.drawn_cells import make_cells

        return make_cells(seed=seed)
    if name == "shapes":
        from headstart.data.drawn_shapes import make_shapes

        return make_shapes(seed=seed)
    from headstart.data.standard import STANDARD

    return STANDARD[name](data_root)


def _from_path(path: Path) -> Dataset:
    if not path.exists():
        raise _no_such(path)
    if path.is_dir():
        return _from_folder(path)
    suffix = path.suffix.lower()
    if suffix in (".npz", ".npy"):
        from headstart.data.arrays import read_npz

        return read_npz(path)
    if suffix in (".parquet", ".pq"):
        from headstart.data.table import read_table

        return read_table(path)
    if is_idx(path):
        return read_idx_images(path)
    if suffix == ".csv":
        raise UserError(f"{path} is a table: give the folder that holds it as labels.csv beside the images")
    from headstart.data.folder import SUFFIXES, read_pictures

    if suffix in SUFFIXES:
        return read_pictures([path])
    raise UserError(
        f"{path} is not known to hold images: give an .npz, .npy, .parquet or IDX file, an image or a folder"
    )


def _from_folder(path: Path) -> Dataset:
    from headstart.data.folder import SUFFIXES, files_below, read_folder
    from headstart.data.table import read_table

    kinds = {file.suffix.lower() for file in files_below(path)}
    return read_table(path) if ".parquet" in kinds and not kinds & SUFFIXES else read_folder(path)


def _no_such(path: Path) -> UserError:
    near = get_close_matches(str(path).lower(), NAMES, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}?" if near else f"give a path, or one of {', '.join(NAMES)}"
    return UserError(f"there is no file or folder {str(path)!r}: {hint}")
