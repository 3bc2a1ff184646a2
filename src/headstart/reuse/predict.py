"""Predict: a bundle with a head names the class of every image it is given."""

from pathlib import Path
from typing import Any


def predict(
    bundle: Path, *sources: str, out: Path | None = None, device: str = "auto", data_root: str | None = None
) -> list[dict[str, Any]]:
    """Classify images with a bundle's head.

    Args:
        bundle: The bundle's folder; it must have a head (`headstart probe` adds one).
        sources: A source (name, .npz, folder, Parquet), or image files.
        out: CSV file to write: id, label, class_name, confidence, least certain first.
        device: auto, cpu or cuda.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA.

    Returns:
        One row an image: id, label, class_name, confidence, least certain first.
    """
    raise NotImplementedError
