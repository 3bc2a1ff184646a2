"""Predict: a bundle with a head names the class of every image it is given."""

import csv
import os
from pathlib import Path
from typing import Any

from headstart.errors import UserError


def predict(
    bundle: str | Path, *sources: str, out: Path | None = None, device: str = "auto", data_root: str | None = None
) -> list[dict[str, Any]]:
    """Classify images with a bundle's head.

    Args:
        bundle: The bundle's folder; it must have a head (`headstart probe --out` makes one).
        sources: A source (name, .npz, folder, Parquet), or image files.
        out: CSV file to write: id, label, class_name, confidence, least certain first.
        device: auto, cpu or cuda.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA.

    Returns:
        One row an image: id, label, class_name, confidence, least certain first.
    """
    from headstart.data.load import load
    from headstart.encoders.device import find_device
    from headstart.evaluation.statistics import apply_temperature
    from headstart.representation.bundle import load_bundle
    from headstart.representation.embed import check_writable
    from headstart.reuse.heads import restore

    given = load_bundle(bundle)
    if given.head is None:
        raise UserError(
            f"{bundle} has no head, so it names no classes: make one by `headstart probe {bundle} SOURCE --out NEW`"
        )
    if not sources:
        raise UserError("nothing to predict: give a source (name, .npz, folder, Parquet) or image files")
    if out is not None:
        check_writable(Path(out))
    found = [load(source, data_root=data_root) for source in _joined(sources)]
    rows = []
    for dataset in found:
        h = given.embed(dataset, device=find_device(device))
        probabilities = restore(given.head, given.head_tensors).predict_proba(h)
        probabilities = apply_temperature(probabilities, given.head["temperature"])
        best, classes = probabilities.argmax(1), given.head_tensors["classes"].numpy()
        rows += [
            {
                "id": name, "label": int(classes[k]), "class_name": given.head["class_names"][int(classes[k])],
                "confidence": round(float(p[k]), 6),
            }
            for name, k, p in zip(dataset.ids, best, probabilities, strict=True)
        ]  # fmt: skip
    rows.sort(key=lambda row: row["confidence"])
    if out is not None:
        write_predictions(Path(out), rows)
    return rows


def _joined(sources: tuple[str, ...]) -> list[Any]:
    """Image files are one source together, everything else is a source of its own."""
    from headstart.data.files import SUFFIXES

    pictures = [s for s in sources if Path(s).suffix.lower() in SUFFIXES]
    others: list[Any] = [s for s in sources if s not in pictures]
    return [*others, pictures] if pictures else others


def write_predictions(path: Path, rows: list[dict[str, Any]]) -> None:
    """id,label,class_name,confidence, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_name(path.name + ".new")
    with waiting.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["id", "label", "class_name", "confidence"])
        writer.writeheader()
        writer.writerows(rows)
    os.replace(waiting, path)
