"""Everything a study found, in memory: the record that ``results.json`` holds, and what only the report shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from headstart.data.dataset import Dataset
from headstart.reuse.predict import Prediction
from headstart.study.curve import LearningCurve
from headstart.study.records import StudyRecord
from headstart.training.log import Row


@dataclass(frozen=True, eq=False)
class Findings:
    """The study's result, from which the report is drawn and ``results.json`` written.

    record: exactly the content of ``results.json``.
    dataset: what was studied.
    protocol: plain sentences, in order, that state the protocol of this run (splits, what encoders saw, selection).
    views_reason: why these views were chosen; cautions: warnings about them.
    view_sheet: (rows, 1 + columns, h, w, c) in [0, 1]: an image, then random views of it.
    probabilities: (n_labelled, k) of the winner at "all", out of fold, averaged over repeats, calibrated;
        rows follow ``dataset.labelled``.
    predictions: of the unlabelled inputs, least certain first.
    vectors: (n, d) of the winner's representation for every image; pixels when a pixel approach won.
    reconstructions: (originals, reconstructions), each (m, h, w, c) in [0, 1], or None.
    curves: approach or method name -> rows of its ``log.csv`` (step, epoch, seconds, loss, terms).
    health: method name -> rows of its ``health.csv``.
    learning_curve: extrapolation of the winner's curve, or None.
    versions: package -> version. command: the command that repeats the run.
    seconds: wall time of the study, 0 if unknown.
    """

    record: StudyRecord
    dataset: Dataset
    protocol: Sequence[str]
    views_reason: str
    cautions: Sequence[str]
    view_sheet: np.ndarray
    probabilities: np.ndarray
    predictions: Sequence[Prediction]
    vectors: np.ndarray
    reconstructions: tuple[np.ndarray, np.ndarray] | None = None
    curves: Mapping[str, list[Row]] = field(default_factory=dict)
    health: Mapping[str, list[Row]] = field(default_factory=dict)
    learning_curve: LearningCurve | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    seconds: float = 0.0
