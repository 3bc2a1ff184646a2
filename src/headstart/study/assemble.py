"""From the tasks' files to results.json: scores, intervals, comparisons, and the approach that is named."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from headstart.evaluation.outcomes import Outcomes
from headstart.evaluation.splits import label_draws
from headstart.study.approaches import Approach, parse_approach
from headstart.study.comparisons import choose, compare, corrected
from headstart.study.pool import needs
from headstart.study.workspace import Task, Workspace
from headstart.training.checkpoint import read_tensors


class Outcome:
    """What an approach predicted, (encoders, draws, n_test, k) a split and budget, with selection scores and seconds.

    A budget counts only where every split has it. Where nothing could be held out, the selection is that of the next
    larger number of labels, and NaN where no larger one has any.
    """

    def __init__(self, space: Workspace, approach: Approach) -> None:
        self.approach, self.space = approach, space
        self.probabilities: dict[str, list[np.ndarray]] = {}
        self.selection: dict[str, list[float]] = {}
        self.n_labels: dict[str, list[int]] = {}
        self.seconds = 0.0
        encoders: set[Task] = set()
        for split in range(len(space.splits)):
            for task in _tasks(space, approach, split):
                if not (space.folder / task.path).is_file():
                    continue
                self._read(task)
                encoders |= set(needs(space, task))
        whole = [b for b, p in self.probabilities.items() if len(p) == len(space.splits)]
        self.probabilities = {b: self.probabilities[b] for b in whole}
        for larger, smaller in pairwise(str(b) for b in reversed(space.budgets)):
            if smaller in whole and math.isnan(self.preference(smaller)):
                self.selection[smaller] = self.selection[larger] if larger in whole else [math.nan]
        self.seconds += sum(read_tensors(space.folder / task.path)[1]["seconds"] for task in encoders)

    def _read(self, task: Task) -> None:
        tensors, facts = read_tensors(self.space.folder / task.path)
        self.seconds += facts["seconds"]
        for budget, value in tensors.items():
            self.probabilities.setdefault(budget, []).append(value.numpy())
            self.selection.setdefault(budget, []).append(facts["selection"][budget])
            self.n_labels.setdefault(budget, []).append(facts["n_labels"][budget])

    def preference(self, budget: str) -> float:
        """The mean selection, by which approaches are chosen; NaN where there is none."""
        return float(np.mean(self.selection[budget]))

    def at(self, budget: str) -> Outcomes:
        """What was predicted of every split's test images."""
        said = [p.argmax(-1) for p in self.probabilities[budget]]
        return outcomes(self.space, said, budget)


def _tasks(space: Workspace, approach: Approach, split: int) -> list[Task]:
    if not approach.is_network:
        return [Task("score", approach.name, split)]
    return [Task("train", approach.name, split, str(b)) for b in space.budgets]


def outcomes(space: Workspace, said: Sequence[np.ndarray], budget: str) -> Outcomes:
    """What was said of every split's test images at a budget, in this study."""
    asked = "all" if budget == "all" else int(budget)
    return Outcomes(space.splits, space.y, said, space.plan["metric"], space.groups, asked)


def assemble(space: Workspace) -> dict[str, Any]:
    """``approaches``, ``comparisons``, ``winner``, and ``chosen``: the approach and best baseline named at a budget."""
    found = [Outcome(space, parse_approach(name)) for name in space.plan["approaches"]]
    found = [o for o in found if o.probabilities]
    approaches = [_scores(o) for o in found]
    comparisons, chosen = [], {}
    for budget in (str(b) for b in space.budgets):
        there = {o.approach.name: o for o in found if budget in o.probabilities}
        baselines = {name for name, o in there.items() if o.approach.kind == "baseline"}
        if not baselines:
            continue
        named, best = choose({name: o.preference(budget) for name, o in there.items()}, baselines)
        chosen[budget] = {"named": named, "baseline": best}
        predicted = {name: o.at(budget) for name, o in there.items()}
        comparisons += compare(predicted, budget=budget, named=named, best=best, baselines=baselines)
    last = list(chosen)[-1]
    return {
        "winner": chosen[last]["named"], "approaches": approaches, "comparisons": corrected(comparisons, last),
        "chosen": chosen,
    }  # fmt: skip


def _scores(o: Outcome) -> dict[str, Any]:
    plan, found = o.space.plan, {}
    for budget in o.probabilities:
        predicted, selection = o.at(budget), o.preference(budget)
        is_so = predicted.interval()
        found[budget] = {
            "mean": is_so.mean, "low": is_so.low, "high": is_so.high, "about": is_so.about,
            "selection": None if math.isnan(selection) else selection,
            "folds": predicted.folds, "n_labels": round(float(np.mean(o.n_labels[budget]))),
        }  # fmt: skip
    saw = "none" if o.approach.kind == "baseline" else plan["saw"]
    return {"name": o.approach.name, "kind": o.approach.kind, "saw": saw, "scores": found, "seconds": o.seconds}


def beats_guessing(space: Workspace, name: str, budget: str) -> bool:
    """Whether an approach's score is detectably above always naming one class (the interval's lower end)."""
    named = Outcome(space, parse_approach(name)).at(budget)
    often = np.bincount(space.y).argmax()
    draws = label_draws(space.splits, space.y, named.budget)
    guess = outcomes(space, [np.full((draws, len(s.test)), often) for s in space.splits], budget)
    return named.minus(guess).low > 0
