"""Embedding: a frozen encoder turns every image into a vector, the same way every time."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


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
    raise NotImplementedError
