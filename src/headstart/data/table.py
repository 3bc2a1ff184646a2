"""Parquet files whose rows hold encoded images, as hubs of data sets keep them."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headstart.data.dataset import Dataset
from headstart.data.files import read_all
from headstart.data.labels import class_labels, groups, splits
from headstart.errors import UserError

_SPLIT_NAME = re.compile(r"(train|test|validation|valid|val)(?![a-z])", re.IGNORECASE)


def read_table(path: Path) -> Dataset:
    """The data set in a Parquet file, or in all the Parquet files below a folder.

    Images are encoded bytes, as a column or in its field ``bytes``; labels are integers or names, with class names
    from the ``huggingface`` schema metadata where it is there; the columns ``group`` and ``split`` are optional, and
    without ``split`` the files' own names say it (train-…, test-…).
    """
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    shards = [_Shard(file) for file in files]
    data = [cell for shard in shards for cell in shard.encoded]
    rows = [f"{shard.path.stem}/{i}" for shard in shards for i in range(len(shard.encoded))]
    paths = [cell for shard in shards for cell in shard.paths]
    named = None not in paths and len(set(paths)) == len(paths)
    read = read_all([cell or b"" for cell in data], [str(p) for p in paths] if named else rows)
    labels, class_names = class_labels(_column(shards, "labels"), _agreed_names(shards))
    group, part = groups(_column(shards, "groups")), splits(_column(shards, "splits"))
    return Dataset(
        read.inputs, labels[read.origin], read.ids, class_names, str(path),
        groups=None if group is None else group[read.origin],
        splits=None if part is None else part[read.origin],
        notes=read.notes,
    )  # fmt: skip


def _column(shards: "Sequence[_Shard]", name: str) -> list[Any]:
    return [cell for shard in shards for cell in getattr(shard, name)]


def _agreed_names(shards: "Sequence[_Shard]") -> list[str] | None:
    found = {tuple(shard.class_names) for shard in shards if shard.class_names}
    if len(found) > 1:
        raise UserError(
            f"the Parquet files in {shards[0].path.parent} name different classes: give files of one data set"
        )
    return list(found.pop()) if found else None


class _Shard:
    """One Parquet file: encoded images, and for each its path, label, group and split, None where missing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        table, features = _open(path)
        columns = table.column_names
        image = _image_column(table, path)
        cells = table.column(image).to_pylist()
        nested = any(isinstance(cell, dict) for cell in cells)
        self.encoded = [cell.get("bytes") if cell else None for cell in cells] if nested else cells
        self.paths = [cell.get("path") if cell else None for cell in cells] if nested else [None] * len(cells)
        classes = [name for name in columns if features.get(name, {}).get("_type") == "ClassLabel"]
        label = next((name for name in [*classes, "label", "labels", "class"] if name in columns), None)
        self.class_names: list[str] | None = features.get(label, {}).get("names") if label else None
        empty = [None] * len(cells)
        self.labels = table.column(label).to_pylist() if label else empty
        self.groups = table.column("group").to_pylist() if "group" in columns else empty
        name = _SPLIT_NAME.match(path.name) or _SPLIT_NAME.fullmatch(path.parent.name)
        of_file = [name[1] if name else None] * len(cells)
        self.splits = table.column("split").to_pylist() if "split" in columns else of_file


def _open(path: Path) -> tuple[Any, dict[str, dict[str, Any]]]:
    """A Parquet file's table, and its columns' features as the ``huggingface`` metadata states them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise UserError(
            f"{path} cannot be read as Parquet ({str(error).splitlines()[0]}): give a Parquet file"
        ) from None
    stated = (table.schema.metadata or {}).get(b"huggingface", b"{}")
    return table, json.loads(stated).get("info", {}).get("features", {})


def _image_column(table: Any, path: Path) -> str:
    """The first column of bytes, or of structs with a field ``bytes``."""
    import pyarrow as pa

    for field in table.schema:
        inner = [sub for sub in field.type if sub.name == "bytes"] if pa.types.is_struct(field.type) else [field]
        if inner and (pa.types.is_binary(inner[0].type) or pa.types.is_large_binary(inner[0].type)):
            return field.name
    found = ", ".join(f"{field.name} ({field.type})" for field in table.schema)
    raise UserError(f"{path} has no column of image bytes, it has {found[:200]}: give encoded images (PNG, JPEG, WebP)")
