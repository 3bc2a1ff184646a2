"""Everything a study found, in memory: what ``results.json`` holds, and what only the report shows."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from headstart.data.dataset import Dataset


@dataclass
class Findings:
    """The study's result, from which the report is drawn and ``results.json`` written.

    results: exactly the content of ``results.json`` (docs/protocol.md gives its keys).
    dataset: what was studied.
    protocol: plain sentences, in order, that state the protocol of this run (splits, what encoders saw, selection).
    left_out: sentences on what was left out or cut short, empty when nothing was.
    views_name: the preset of the views; views_reason: why it was chosen; cautions: warnings about these views.
    view_sheet: (rows, 1 + columns, h, w, c) in [0, 1]: an image, then random views of it.
    probabilities: (n_labelled, k) of the winner at "all", out of fold, averaged over repeats, calibrated;
        rows follow ``dataset.labelled``.
    predictions: rows of predictions.csv for the unlabelled inputs, least certain first.
    vectors: (n, d) of the winner's representation for every image; pixels when a pixel approach won.
    reconstructions: (originals, reconstructions), each (m, h, w, c) in [0, 1], or None.
    curves: approach or method name -> rows of its ``log.csv`` as dicts (step, epoch, seconds, loss, terms).
    health: method name -> rows of its ``health.csv``.
    learning_curve: extrapolation of the winner's curve, from ``study.curve.extrapolate``, or None.
    versions: package -> version. command: the command that repeats the run.
    folds, repeats: of the splits; 0 where the source prescribed them. seconds: wall time of the study, 0 if unknown.
    """

    results: dict[str, Any]
    dataset: Dataset
    protocol: list[str]
    left_out: list[str]
    views_name: str
    views_reason: str
    cautions: list[str]
    view_sheet: np.ndarray
    probabilities: np.ndarray
    predictions: list[dict[str, Any]]
    vectors: np.ndarray
    reconstructions: tuple[np.ndarray, np.ndarray] | None = None
    curves: dict[str, list[dict[str, int | float]]] = field(default_factory=dict)
    health: dict[str, list[dict[str, int | float]]] = field(default_factory=dict)
    learning_curve: dict[str, Any] | None = None
    versions: dict[str, str] = field(default_factory=dict)
    command: str = ""
    ordered_classes: bool = False
    folds: int = 0
    repeats: int = 0
    seconds: float = 0.0
