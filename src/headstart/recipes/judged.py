"""Approaches judged on the same splits of a few labels, and the sections of a report that compare them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.evaluation.outcomes import Outcomes
from headstart.evaluation.splits import Split
from headstart.evaluation.statistics import holm
from headstart.recipes.work import Work
from headstart.report.elements import Html, prose, section, table
from headstart.report.mistakes import matrix
from headstart.report.plots import bars
from headstart.report.words import p_value, points
from headstart.reuse.heads import Head
from headstart.training.threads import threads


@dataclass(frozen=True, eq=False)
class Judged:
    """An approach on every split.

    y: (m,) labels 0..k-1 of the rows that are split. probabilities: (n_test, k) a split.
    selection: its score by training labels alone. groups: (m,) as the splits have them, or None.
    """

    splits: Sequence[Split]
    y: np.ndarray
    probabilities: Sequence[np.ndarray]
    selection: float
    groups: np.ndarray | None = None

    @property
    def outcomes(self) -> Outcomes:
        """What it predicted."""
        return Outcomes(self.splits, self.y, [p.argmax(1) for p in self.probabilities], groups=self.groups)


def probed(
    work: Work, name: str, h: np.ndarray, y: np.ndarray, splits: Sequence[Split], groups: np.ndarray | None
) -> Judged:
    """A linear classifier on h (m, d), fitted on every split's training rows; kept as a part of that name."""

    def make() -> dict[str, Any]:
        made: dict[str, Any] = {"selection": []}
        for number, split in enumerate(splits):
            with threads(1):
                together = None if groups is None else groups[split.train]
                head = Head("probe", seed=work.seed).fit(h[split.train], y[split.train], together)
            made[f"{number}"] = head.predict_proba(h[split.test])
            made["selection"].append(head.selection_)
        return made

    part = work.part(name, make)
    probabilities = [part[f"{number}"] for number in range(len(splits))]
    return Judged(splits, y, probabilities, float(part["selection"].mean()), groups)


def comparison(work: Work, judged: Mapping[str, Judged], pairs: Sequence[tuple[str, str]]) -> Html:
    """Every approach's balanced accuracy, and the differences between these pairs of them."""
    shown = {name: one.outcomes.interval().as_tuple() for name, one in judged.items()}
    found = [judged[a].outcomes.minus(judged[b].outcomes) for a, b in pairs]
    rows = [
        [f"{a} − {b}", f"{points(d.mean)} [{points(d.low)}, {points(d.high)}]", p_value(p)]
        for (a, b), d, p in zip(pairs, found, holm([d.p for d in found]), strict=True)
    ]
    return section(
        "scores", "Who classifies best?",
        work.chart("scores", bars(shown, up="balanced accuracy on what was held out, 95 % intervals"),
                   "Balanced accuracy of every approach with its interval"),
        prose("Differences on the same splits, in points. Their intervals are about these classifiers on new "
              "images; p is corrected for as many questions (Holm)."),
        table(["", "difference", "p"], rows, "Differences between approaches"),
    )  # fmt: skip


def confusion(judged: Mapping[str, Judged], class_names: Sequence[str]) -> Html:
    """What the approach that the training labels prefer takes for what."""
    best = max(judged, key=lambda name: judged[name].selection)
    one = judged[best]
    total = np.zeros((len(one.y), len(class_names)))
    for split, probabilities in zip(one.splits, one.probabilities, strict=True):
        total[split.test] += probabilities
    counts = np.zeros((len(class_names), len(class_names)), int)
    np.add.at(counts, (one.y, total.argmax(1)), 1)
    return section(
        "confusion", "What is taken for what",
        prose(f"{best}: the approach that the training labels prefer. Each image is judged only by classifiers that "
              "never saw its label; their probabilities are averaged."),
        matrix(counts, class_names),
    )  # fmt: skip
