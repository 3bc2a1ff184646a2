"""Embedding: a frozen encoder turns every image into a vector, the same way every time."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from headstart.data.dataset import Dataset
from headstart.data.load import load
from headstart.encoders.device import find_device
from headstart.errors import UserError
from headstart.representation.bundle import Bundle, load_bundle
from headstart.representation.frozen import represent_parts

ROW_GROUP = 65_536  # rows that are written together


def embed(
    bundle: Any, source: Any, *, out: Path | None = None, device: str = "auto", data_root: str | None = None
) -> np.ndarray:
    """The representation of every image of a source, and a Parquet file of it where ``out`` is given.

    Args:
        bundle: A bundle's folder, or the loaded bundle.
        source: What to embed: a name (digits, cells, mnist, …), an .npz file, a folder, a Parquet file.
        out: Parquet file to write: id, h (fixed-size float32 list), label; class names in its metadata.
        device: auto, cpu or cuda.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA.

    Returns:
        (n, dim) float32.
    """
    given = bundle if isinstance(bundle, Bundle) else load_bundle(bundle)
    dataset, target = load(source, data_root=data_root), find_device(device)
    if out is None:
        return given.embed(dataset, device=target)
    check_writable(Path(out))
    images = given.prepared(dataset)
    parts = represent_parts(given.encoder, images, symmetric=given.spec.symmetric, device=target)
    write_parquet(Path(out), dataset, parts, width=given.dim)
    return read_vectors(Path(out))


def check_writable(path: Path) -> None:
    """Refuse a file that could not be written, before any work is done for it."""
    if path.is_dir():
        raise UserError(f"{path} is a folder, a file name is wanted: try {path / 'z.parquet'}")
    folder = next((p for p in path.absolute().parents if p.exists()), Path("/"))
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UserError(f"cannot write to {path}: {folder} is not a folder you may write to; choose another --out")


def write_parquet(path: Path, dataset: Dataset, parts: Iterable[np.ndarray], *, width: int) -> None:
    """Write id, h and label (null where missing), atomically; the vectors come by parts, in the data set's order."""
    import pyarrow as pa
    from pyarrow import parquet

    facts = {"class_names": json.dumps(dataset.class_names), "source": dataset.source, "hash": dataset.content_hash}
    columns = [("id", pa.string()), ("h", pa.list_(pa.float32(), width)), ("label", pa.int64())]
    schema = pa.schema(columns, metadata=facts)
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_name(path.name + ".new")
    start = 0
    with parquet.ParquetWriter(waiting, schema) as writer:
        for h in _groups(parts):
            rows = slice(start, start + len(h))
            labels = dataset.labels[rows]
            vectors = pa.FixedSizeListArray.from_arrays(pa.array(h.ravel(), pa.float32()), width)
            names = pa.array(list(dataset.ids[rows]), pa.string())
            writer.write_table(pa.table([names, vectors, pa.array(labels, mask=labels < 0)], schema=schema))
            start += len(h)
    os.replace(waiting, path)


def _groups(parts: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The parts joined to row groups of some 65,536 rows."""
    waiting: list[np.ndarray] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= ROW_GROUP:
            yield np.concatenate(waiting)
            waiting = []
    if waiting:
        yield np.concatenate(waiting)


def read_vectors(path: Path) -> np.ndarray:
    """(n, dim) float32 of a file that ``write_parquet`` wrote, mapped from the file where that needs no copy."""
    from pyarrow import parquet

    h = parquet.read_table(path, columns=["h"], memory_map=True).column("h")
    width = h.type.list_size
    return np.concatenate([chunk.flatten().to_numpy().reshape(-1, width) for chunk in h.chunks])
