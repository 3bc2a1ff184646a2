"""Embedding: a frozen encoder turns every image into a vector, the same way every time."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from headstart.data.dataset import Dataset


def embed(
    bundle: Any, source: Any, *, out: Path | None = None, device: str = "auto", data_root: str | None = None
) -> "np.ndarray":
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
    import torch

    from headstart.data.load import load
    from headstart.encoders.device import find_device
    from headstart.representation.bundle import Bundle, load_bundle

    given = bundle if isinstance(bundle, Bundle) else load_bundle(bundle)
    dataset = load(source, data_root=data_root)
    if out is not None:
        check_writable(Path(out))
    h = given.represent(torch.from_numpy(given.pixels(dataset.images)), device=find_device(device))
    if out is not None:
        write_parquet(Path(out), dataset, h)
    return h


def check_writable(path: Path) -> None:
    """Refuse a file that could not be written, before any work is done for it."""
    from headstart.errors import UserError

    if path.is_dir():
        raise UserError(f"{path} is a folder, a file name is wanted: try {path / 'z.parquet'}")
    folder = next((p for p in path.absolute().parents if p.exists()), Path("/"))
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UserError(f"cannot write to {path}: {folder} is not a folder you may write to; choose another --out")


def write_parquet(path: Path, dataset: "Dataset", h: "np.ndarray") -> None:
    """Write id, h and label (null where missing), atomically."""
    import pyarrow as pa
    from pyarrow import parquet

    labels = pa.array(dataset.labels, mask=dataset.labels < 0)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(h.ravel(), pa.float32()), h.shape[1])
    table = pa.table({"id": pa.array(list(dataset.ids), pa.string()), "h": vectors, "label": labels})
    facts = {"class_names": json.dumps(dataset.class_names), "source": dataset.source, "hash": dataset.content_hash}
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_name(path.name + ".new")
    parquet.write_table(table.replace_schema_metadata(facts), waiting)
    os.replace(waiting, path)
