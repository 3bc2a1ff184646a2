"""From the tasks' files to results.json: scores, intervals, comparisons, and the approach that is named."""

import math
from itertools import pairwise
from typing import Any

import numpy as np

from headstart.representation.outcomes import Outcomes
from headstart.representation.statistics import holm
from headstart.study.approaches import Approach, parse_approach
from headstart.study.pool import needs
from headstart.study.workspace import Task, Workspace
from headstart.training.checkpoint import read_tensors


class Outcome:
    """What an approach predicted: probabilities a split and budget, with their selection scores and seconds.

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
                encoders |= {needed} if (needed := needs(space, task)) else set()
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
        said = [p.argmax(1) for p in self.probabilities[budget]]
        return Outcomes(self.space.splits, self.space.y, said, self.space.plan["metric"])


def _tasks(space: Workspace, approach: Approach, split: int) -> list[Task]:
    if not approach.is_network:
        return [Task("score", approach.name, split)]
    return [Task("train", approach.name, split, str(b)) for b in space.budgets]


def assemble(space: Workspace) -> dict[str, Any]:
    """``approaches``, ``comparisons``, ``winner``, and ``chosen``: the approach and best baseline named at a budget."""
    outcomes = [Outcome(space, parse_approach(name)) for name in space.plan["approaches"]]
    outcomes = [o for o in outcomes if o.probabilities]
    approaches = [_scores(o) for o in outcomes]
    comparisons, chosen = [], {}
    for budget in (str(b) for b in space.budgets):
        there = {o.approach.name: o for o in outcomes if budget in o.probabilities}
        if not any(o.approach.kind == "baseline" for o in there.values()):
            continue
        best = _choose({name: o for name, o in there.items() if o.approach.kind == "baseline"}, budget)
        named = _choose(there, budget) if _selected(there, budget) else best
        chosen[budget] = {"named": named, "baseline": best}
        comparisons += _compare(there, best, budget)
    last = list(chosen)[-1]
    return {"winner": chosen[last]["named"], "approaches": approaches, "comparisons": comparisons, "chosen": chosen}


def _selected(outcomes: dict[str, Outcome], budget: str) -> dict[str, float]:
    return {name: p for name, o in outcomes.items() if not math.isnan(p := o.preference(budget))}


def _choose(outcomes: dict[str, Outcome], budget: str) -> str:
    """The approach with the highest selection; where none has any, svm-pixels, or else the first but majority."""
    selected = _selected(outcomes, budget)
    if selected:
        return max(selected, key=lambda name: selected[name])
    return min(outcomes, key=lambda name: (name != "svm-pixels", name == "majority"))


def _scores(o: Outcome) -> dict[str, Any]:
    plan, found = o.space.plan, {}
    for budget in o.probabilities:
        outcomes = o.at(budget)
        mean, low, high = outcomes.interval()
        selection = o.preference(budget)
        found[budget] = {
            "mean": mean, "low": low, "high": high, "selection": None if math.isnan(selection) else selection,
            "folds": outcomes.folds, "n_labels": round(float(np.mean(o.n_labels[budget]))),
        }  # fmt: skip
    saw = "none" if o.approach.kind == "baseline" else plan["saw"]
    return {"name": o.approach.name, "kind": o.approach.kind, "saw": saw, "scores": found, "seconds": o.seconds}


def _compare(there: dict[str, Outcome], best: str, budget: str) -> list[dict[str, Any]]:
    """Every approach against the best baseline at a budget, Holm-corrected within it."""
    baseline, rows = there[best].at(budget), []
    for name, o in there.items():
        if name == best:
            continue
        d = o.at(budget).minus(baseline)
        rows.append(
            {"budget": budget, "a": name, "b": best, "difference": d.difference, "low": d.low, "high": d.high, "p": d.p}
        )
    for row, corrected in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = float(corrected)
    return rows


def beats_guessing(space: Workspace, name: str, budget: str) -> bool:
    """Whether an approach's score is detectably above always naming one class (the interval's lower end)."""
    named = Outcome(space, parse_approach(name)).at(budget)
    guess = [np.full(len(s.test), np.bincount(space.y).argmax()) for s in space.splits]
    return named.minus(Outcomes(space.splits, space.y, guess, named.metric)).low > 0
