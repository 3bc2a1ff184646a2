"""Outcomes: what was predicted of every split's test images, as a score with its interval, and against another's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headstart.representation.splits import Split, fold_ratio, times_tested
from headstart.representation.statistics import Difference, bounds_of, interval, paired, sampling_variance, score


@dataclass(frozen=True, eq=False)
class Outcomes:
    """One approach on every split.

    splits: of m labelled rows. y: (m,) their labels. predicted: a split's test images' labels, in the order of its
    ``test``. metric: a name that ``statistics.score`` knows.
    """

    splits: Sequence[Split]
    y: np.ndarray
    predicted: Sequence[np.ndarray]
    metric: str = "balanced_accuracy"

    @property
    def folds(self) -> list[float]:
        """The metric a split."""
        classes = np.unique(self.y)
        return [
            score(self.metric, self.y[s.test], said, classes)
            for s, said in zip(self.splits, self.predicted, strict=True)
        ]

    def interval(self) -> tuple[float, float, float]:
        """Mean over the splits and its interval, which knows that folds overlap and that test images are a sample."""
        floor, ratio = self._floor(self._right), fold_ratio(self.splits)
        return interval(self.folds, ratio=ratio, floor=floor, bounds=bounds_of(self.metric))

    def minus(self, other: "Outcomes") -> Difference:
        """Better than another approach on the same splits by so much, paired, with its interval."""
        gaps = [a - b for a, b in zip(self._right, other._right, strict=True)]
        return paired(self.folds, other.folds, ratio=fold_ratio(self.splits), floor=self._floor(gaps))

    @property
    def _right(self) -> list[np.ndarray]:
        """A split's test images: 1.0 where the prediction is right."""
        return [(said == self.y[s.test]).astype(float) for s, said in zip(self.splits, self.predicted, strict=True)]

    def _floor(self, outcomes: list[np.ndarray]) -> float:
        labels = [self.y[s.test] for s in self.splits]
        return sampling_variance(outcomes, labels, repeats=times_tested(self.splits))
