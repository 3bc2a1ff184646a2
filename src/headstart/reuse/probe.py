"""Probe: put a head on a bundle's frozen encoder, and say how good it is."""

from pathlib import Path
from typing import Any


def probe(
    bundle: Path,
    source: Any,
    *,
    out: Path | None = None,
    head: str = "probe",
    folds: int = 5,
    repeats: int = 4,
    seed: int = 0,
    device: str = "auto",
    data_root: str | None = None,
) -> "dict[str, Any]":
    """Score a head on the bundle's frozen vectors by cross-validation, then fit it on all labels and keep it.

    Args:
        bundle: The bundle's folder.
        source: Labelled images: a name, an .npz file, a folder, a Parquet file.
        out: Folder for the bundle with its head; default: the head is added to the bundle itself.
        head: probe (logistic regression), svm or knn.
        folds: Folds a repeat; a split that the source prescribes is honoured instead.
        repeats: How often the folds are drawn anew.
        seed: Seed of the splits.
        device: auto, cpu or cuda.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA.

    Returns:
        "balanced_accuracy" (mean), "low", "high", "folds", "n_labels", "head".
    """
    raise NotImplementedError
