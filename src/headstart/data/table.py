"""Parquet files whose rows hold encoded images, as hubs of data sets keep them."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
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
    rows = [f"{shard.path.stem}/{i}" for shard in shards for i in range(len(shard))]
    paths = [cell for shard in shards for cell in shard.paths]
    named = None not in paths and len(set(paths)) == len(paths)
    read = read_all(_Encoded(shards), [str(p) for p in paths] if named else rows)
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
    """One Parquet file: for each image its path, label, group and split, None where missing; its bytes when asked for.

    All but the bytes is read at once; the bytes come a row group at a time, of which the last one is kept.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file, features = _open(path)
        schema = self.file.schema_arrow
        columns, self.image = schema.names, _image_column(schema, path)
        self.nested = schema.field(self.image).type.num_fields > 0
        sizes = [self.file.metadata.row_group(g).num_rows for g in range(self.file.num_row_groups)]
        self.ends = list(accumulate(sizes))
        empty: list[Any] = [None] * len(self)
        self.paths = self._beside("path") if self.nested else empty
        classes = [name for name in columns if features.get(name, {}).get("_type") == "ClassLabel"]
        label = next((name for name in [*classes, "label", "labels", "class"] if name in columns), None)
        self.class_names: list[str] | None = features.get(label, {}).get("names") if label else None
        self.labels = self._column(label) if label else empty
        self.groups = self._column("group") if "group" in columns else empty
        name = _SPLIT_NAME.match(path.name) or _SPLIT_NAME.fullmatch(path.parent.name)
        of_file = [name[1] if name else None] * len(self)
        self.splits = self._column("split") if "split" in columns else of_file
        self.kept: tuple[int, list[bytes | None]] = (-1, [])

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    def _column(self, name: str) -> list[Any]:
        return self.file.read(columns=[name]).column(0).to_pylist()

    def _beside(self, field: str) -> list[Any]:
        """A field of the column of images, without their bytes; None where there is none."""
        known = [inner.name for inner in self.file.schema_arrow.field(self.image).type]
        if field not in known:
            return [None] * len(self)
        cells = self.file.read(columns=[f"{self.image}.{field}"]).column(0).to_pylist()
        return [cell.get(field) if cell else None for cell in cells]

    def encoded(self, row: int) -> bytes:
        """An image's bytes, empty where they are missing."""
        group = bisect_right(self.ends, row)
        if self.kept[0] != group:
            cells = self.file.read_row_group(group, columns=[self.image]).column(0).to_pylist()
            self.kept = group, [cell.get("bytes") if cell else None for cell in cells] if self.nested else cells
        return self.kept[1][row - (self.ends[group - 1] if group else 0)] or b""


class _Encoded(Sequence[bytes]):
    """The bytes of the images of several files, one after another."""

    def __init__(self, shards: Sequence[_Shard]) -> None:
        self.shards, self.ends = shards, list(accumulate(map(len, shards)))

    def __len__(self) -> int:
        return self.ends[-1]

    def __getitem__(self, row: Any) -> Any:
        """One image's bytes."""
        k = bisect_right(self.ends, row)
        return self.shards[k].encoded(row - (self.ends[k - 1] if k else 0))

    def __iter__(self) -> Iterator[bytes]:
        return (self[row] for row in range(len(self)))


def _open(path: Path) -> tuple[Any, dict[str, dict[str, Any]]]:
    """A Parquet file, and its columns' features as the ``huggingface`` metadata states them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path, memory_map=True)
    except (OSError, pa.ArrowException) as error:
        raise UserError(
            f"{path} cannot be read as Parquet ({str(error).splitlines()[0]}): give a Parquet file"
        ) from None
    stated = (file.schema_arrow.metadata or {}).get(b"huggingface", b"{}")
    return file, json.loads(stated).get("info", {}).get("features", {})


def _image_column(schema: Any, path: Path) -> str:
    """The first column of bytes, or of structs with a field ``bytes``."""
    import pyarrow as pa

    for field in schema:
        inner = [sub for sub in field.type if sub.name == "bytes"] if pa.types.is_struct(field.type) else [field]
        if inner and (pa.types.is_binary(inner[0].type) or pa.types.is_large_binary(inner[0].type)):
            return field.name
    found = ", ".join(f"{field.name} ({field.type})" for field in schema)
    raise UserError(f"{path} has no column of image bytes, it has {found[:200]}: give encoded images (PNG, JPEG, WebP)")
