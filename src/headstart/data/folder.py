"""A folder of image files: a sub-folder a class, a labels.csv, or no labels at all."""

import csv
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from headstart.data.dataset import Dataset
from headstart.data.files import SUFFIXES, Read, listed, read_all
from headstart.data.labels import class_labels, groups, spelling, splits
from headstart.errors import UserError

_SPLIT_FOLDERS = {"train", "training", "test", "testing", "val", "valid", "validation"}
_LAYOUTS = "image files, a sub-folder a class, or labels.csv beside them"


def read_folder(root: Path) -> Dataset:
    """The data set in a folder; every image below it is taken, and its id is its path within the folder."""
    files = files_below(root)
    pictures = [f for f in files if f.suffix.lower() in SUFFIXES]
    if not pictures:
        raise UserError(f"{root} holds no images ({_contents(files, root)}): give a folder of {_LAYOUTS}")
    names = [f.relative_to(root).as_posix() for f in pictures]
    table = next((f for f in files if f.parent == root and f.name.lower() == "labels.csv"), None)
    if table is not None:
        return _with_csv(pictures, names, table, root)
    return _with_classes(pictures, names, root, _other_files(files))


def read_pictures(files: Sequence[Path]) -> Dataset:
    """Image files as a data set without labels; the pages of a TIFF are images."""
    names = [f.as_posix() for f in files]
    for file in files:
        if not file.is_file():
            raise UserError(f"there is no file {file}: give the path of an image")
        if file.suffix.lower() not in SUFFIXES:
            raise UserError(f"{file} is not an image file: give {', '.join(sorted(SUFFIXES))}")
    read = read_all(files, names)
    return _dataset(read, [None] * len(files), None, ", ".join(names[:1]), [])


def files_below(root: Path) -> list[Path]:
    """All files below a folder, sorted; links to folders are followed once, hidden names are left out."""
    files, seen = [], set()
    for place, folders, names in os.walk(root, followlinks=True):
        seen.add(os.path.realpath(place))
        folders[:] = [f for f in folders if _visible(f) and os.path.realpath(Path(place, f)) not in seen]
        files += [Path(place, name) for name in names if _visible(name)]
    return sorted(file for file in files if file.is_file())


def _visible(name: str) -> bool:
    return not name.startswith(".") and name != "__MACOSX"


def _contents(files: Sequence[Path], root: Path) -> str:
    return f"it has {listed([f.relative_to(root).as_posix() for f in files])}" if files else "it is empty"


def _other_files(files: Sequence[Path]) -> list[str]:
    others = Counter(f.suffix.lower() or f.name for f in files if f.suffix.lower() not in SUFFIXES)
    if not others:
        return []
    return [f"{others.total()} files that are not images were ignored ({', '.join(sorted(others))})"]


def _with_classes(pictures: Sequence[Path], names: Sequence[str], root: Path, notes: list[str]) -> Dataset:
    """Labels from the first folder of each path, or the second where the first ones are train and test."""
    tops = {PurePosixPath(name).parts[0].lower() for name in names if "/" in name}
    split = bool(tops & {"test", "testing"}) and bool(tops & {"train", "training"})
    labels, parts = [], []
    for name in names:
        *folders, _ = PurePosixPath(name).parts
        first = folders.pop(0) if split and folders and folders[0].lower() in _SPLIT_FOLDERS else ""
        parts.append(first)
        labels.append(None if not folders or spelling(folders[0]) == "unlabelled" else folders[0])
    loose = sum("/" not in name for name in names)
    if 0 < loose < len(names):
        notes = [*notes, f"{loose} images beside the class folders have no label"]
    return _dataset(read_all(pictures, names), labels, parts, str(root), notes)


def _with_csv(pictures: Sequence[Path], names: Sequence[str], table: Path, root: Path) -> Dataset:
    """Labels from labels.csv; an image that it does not name has no label."""
    rows = _rows(table)
    known = [name for name in rows if name in set(names)]
    if not known:
        raise UserError(f"none of the {len(rows)} files named in {table} is in {root}: give paths within that folder")
    absent = [name for name in rows if name not in set(known)]
    notes = [f"{len(absent)} files named in labels.csv are missing: {listed(absent)}"] if absent else []
    cells = {column: [rows.get(name, {}).get(column) for name in names] for column in ("label", "group", "split")}
    return _dataset(read_all(pictures, names), cells["label"], cells["split"], str(root), notes, cells["group"])


def _rows(table: Path) -> dict[str, dict[str, str]]:
    """File -> its row of the table."""
    try:
        text = table.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{table} cannot be read ({error}): save it as CSV in UTF-8") from None
    head = text.splitlines()[:1]
    reader = csv.DictReader(text.splitlines(), delimiter=max(",;\t", key="".join(head).count))
    reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
    if not {"file", "label"} <= set(reader.fieldnames):
        found = ", ".join(reader.fieldnames) or "nothing"
        raise UserError(f"{table} has the columns {found}: give file,label and optionally group,split")
    rows: dict[str, dict[str, str]] = {}
    for row in reader:
        if not any(row.values()):
            continue  # a spreadsheet's empty row
        file = (row["file"] or "").strip()
        if not file:
            raise UserError(f"{table} names no file in line {reader.line_num}: complete the row or remove it")
        name = PurePosixPath(file.replace("\\", "/")).as_posix()
        if rows.setdefault(name, row) != row:
            raise UserError(f"{table} names {name} twice with different values: keep one row a file")
    return rows


def _dataset(
    read: Read, labels: Sequence[str | None], parts: Sequence[str | None] | None, source: str,
    notes: Sequence[str], group: Sequence[str | None] | None = None,
) -> Dataset:  # fmt: skip
    """A data set from pictures and what is known of each file."""
    numbers, class_names = class_labels(labels)
    known, part = groups(group), splits(parts)
    if known is None and len(np.unique(read.origin)) > 1 and len(read.ids) > len(np.unique(read.origin)):
        known = read.origin.astype(np.int64)
        notes = [*notes, "images from one stack were taken to belong together, as one group"]
    elif known is not None:
        known = known[read.origin]
    return Dataset(
        read.inputs, numbers[read.origin], read.ids, class_names, source,
        groups=known, splits=None if part is None else part[read.origin], notes=(*read.notes, *notes),
    )  # fmt: skip
