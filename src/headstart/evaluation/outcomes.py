"""Outcomes: what was predicted of every split's test images, as a score with its interval, and against another's."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from headstart.evaluation.budgets import Budget
from headstart.evaluation.influence import influence, step
from headstart.evaluation.splits import Split, times_tested
from headstart.evaluation.statistics import bounds_of, score
from headstart.evaluation.uncertainty import Design, Estimate, estimate


@dataclass(frozen=True, eq=False)
class Outcomes:
    """One approach on every split, at one budget.

    splits: of m labelled rows. y: (m,) their labels. predicted: a split's test images' labels, in the order of its
    ``test``: (n_test,), or (draws, n_test) where labels were drawn several times, or (encoders, draws, n_test).
    metric: a name that ``statistics.score`` knows. groups: (m,) as the splits have them. budget: as ``Split.budget``.
    """

    splits: Sequence[Split]
    y: np.ndarray
    predicted: Sequence[np.ndarray]
    metric: str = "balanced_accuracy"
    groups: np.ndarray | None = None
    budget: Budget = "all"

    @property
    def folds(self) -> list[float]:
        """The metric a split, averaged over encoders and draws."""
        classes = np.unique(self.y)
        return [
            float(np.mean([score(self.metric, self.y[s.test], one, classes) for one in said.reshape(-1, len(s.test))]))
            for s, said in zip(self.splits, self.predicted, strict=True)
        ]

    def interval(self) -> Estimate:
        """The metric of all images tested in a draw, averaged over draws and encoders, with its interval."""
        found = estimate(self.values, self._design(self.values.shape[1]), step=self._step)
        low, high = bounds_of(self.metric)
        return replace(found, low=max(found.low, low), high=min(found.high, high))

    def minus(self, other: "Outcomes") -> Estimate:
        """Better than another approach on the same splits by so much, with its interval.

        What fresh labels and encoders change is taken from the draws that both have; a single encoder, or none, stands
        beside each of several.
        """
        a, b = self.values, other.values
        draws, encoders = min(a.shape[1], b.shape[1]), max(len(a), len(b))
        gaps = np.broadcast_to(a[:, :draws] - b[:, :draws], (encoders, draws, a.shape[2]))
        every = a.mean((0, 1)) - b.mean((0, 1))
        return estimate(gaps, self._design(draws), step=self._step, every_draw=every)

    @cached_property
    def values(self) -> np.ndarray:
        """(encoders, draws, n) what each image tested contributes to the score; a repeat's draws lie far apart."""
        classes, arranged = np.unique(self.y), self._arranged(self.predicted)
        y = self.y[self._tested]
        return np.array([[influence(self.metric, y, said, classes) for said in one] for one in arranged])

    @cached_property
    def _tested(self) -> np.ndarray:
        return np.unique(np.concatenate([s.test for s in self.splits]))

    @cached_property
    def _step(self) -> np.ndarray:
        return step(self.metric, self.y[self._tested])

    def _arranged(self, by_split: Sequence[np.ndarray]) -> np.ndarray:
        """(encoders, draws · repeats, n) of what splits have of their test images; first draws of all repeats first."""
        repeats = times_tested(self.splits)
        folds = len(self.splits) // repeats
        first = np.asarray(by_split[0])
        shape = (1,) * (3 - first.ndim) + first.shape
        found = np.empty((shape[0], shape[1], repeats, len(self._tested)), first.dtype)
        for number, (split, given) in enumerate(zip(self.splits, by_split, strict=True)):
            found[:, :, number // folds, np.searchsorted(self._tested, split.test)] = given
        return found.reshape(shape[0], -1, len(self._tested))

    def _design(self, draws: int) -> Design:
        """Which model tested and learned from what, in the first of the draws."""
        each = draws // times_tested(self.splits)
        numbers = np.arange(len(self.splits) * each).reshape(len(self.splits), each)
        tests = [np.repeat(own[:, None], len(s.test), 1) for own, s in zip(numbers, self.splits, strict=True)]
        learned = [s.budget(self.y, self.budget, draw) for s in self.splits for draw in range(each)]
        trained = np.zeros((len(learned), len(self.y)), bool)
        for row, rows in zip(trained, learned, strict=True):
            row[rows] = True
        pool = np.unique(np.concatenate([s.train for s in self.splits]))
        share = float(np.mean([len(rows) for rows in learned])) / len(pool)
        groups, group_share = None, 0.0
        if self.groups is not None:
            groups, units = self.groups[self._tested], len(np.unique(self.groups[pool]))
            group_share = float(np.mean([len(np.unique(self.groups[rows])) for rows in learned])) / units
        y = self.y[self._tested]
        return Design(self._arranged(tests)[0], trained[:, self._tested], y, groups, share, group_share)
