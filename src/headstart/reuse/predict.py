"""Predict: a bundle with a head names the class of every image it is given."""

import csv
import os
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from headstart.data.files import SUFFIXES
from headstart.data.load import load
from headstart.encoders.device import find_device
from headstart.errors import UserError
from headstart.evaluation.statistics import apply_temperature
from headstart.representation.bundle import load_bundle
from headstart.representation.embed import check_writable
from headstart.reuse.heads import StoredHead, restore


@dataclass(frozen=True)
class Prediction:
    """What an input is taken for, and how surely: a probability, 0 to 1."""

    id: str
    label: int
    class_name: str
    confidence: float


def predict(
    bundle: str | Path, *sources: str, out: Path | None = None, device: str = "auto", data_root: str | None = None
) -> list[Prediction]:
    """Classify images with a bundle's head.

    Args:
        bundle: The bundle's folder; it must have a head (`headstart probe --out` makes one).
        sources: A source (name, .npz, folder, Parquet), or image files.
        out: CSV file to write: id, label, class_name, confidence, least certain first.
        device: auto, cpu or cuda.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA.

    Returns:
        One an image, least certain first.
    """
    given = load_bundle(bundle)
    head = given.card.head
    if head is None:
        raise UserError(
            f"{bundle} has no head, so it names no classes: make one by `headstart probe {bundle} SOURCE --out NEW`"
        )
    if not sources:
        raise UserError("nothing to predict: give a source (name, .npz, folder, Parquet) or image files")
    if out is not None:
        check_writable(Path(out))
    found: list[Prediction] = []
    for dataset in [load(source, data_root=data_root) for source in _joined(sources)]:
        h = given.embed(dataset, device=find_device(device))
        probabilities = restore(StoredHead(head, given.head_tensors)).predict_proba(h)
        probabilities = apply_temperature(probabilities, head.temperature)
        classes = given.head_tensors["classes"].numpy()
        found += named(dataset.ids, probabilities, classes, head.class_names)
    found.sort(key=lambda one: one.confidence)
    if out is not None:
        write_predictions(Path(out), found)
    return found


def named(
    ids: Iterable[str], probabilities: np.ndarray, classes: np.ndarray, class_names: Sequence[str]
) -> list[Prediction]:
    """The most probable class of each input, in order.

    Args:
        ids: n of them. probabilities: (n, k). classes: (k,) the label of each column.
        class_names: The name of every label.
    """
    return [
        Prediction(name, int(classes[k]), class_names[int(classes[k])], round(float(p[k]), 6))
        for name, k, p in zip(ids, probabilities.argmax(1), probabilities, strict=True)
    ]


def _joined(sources: tuple[str, ...]) -> list[Any]:
    """Image files are one source together, everything else is a source of its own."""
    pictures = [s for s in sources if Path(s).suffix.lower() in SUFFIXES]
    others: list[Any] = [s for s in sources if s not in pictures]
    return [*others, pictures] if pictures else others


def write_predictions(path: Path, found: Sequence[Prediction]) -> None:
    """id,label,class_name,confidence, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_name(path.name + ".new")
    with waiting.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([field.name for field in fields(Prediction)])
        writer.writerows(astuple(one) for one in found)
    os.replace(waiting, path)
