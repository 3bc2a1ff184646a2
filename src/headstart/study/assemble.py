"""From the tasks' files to results.json: scores, intervals, comparisons, and the approach that is named."""

import math
from itertools import pairwise
from typing import Any

import numpy as np

from headstart.representation.splits import fold_ratio, times_tested
from headstart.representation.statistics import bounds_of, holm, interval, paired, sampling_variance, score
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

    def right(self, budget: str) -> list[np.ndarray]:
        """A split's test images: 1.0 where the prediction is right."""
        found = zip(self.probabilities[budget], self.space.splits, strict=True)
        return [(p.argmax(1) == self.space.y[s.test]).astype(float) for p, s in found]

    def folds(self, budget: str) -> list[float]:
        """The metric a split."""
        classes = np.unique(self.space.y)
        found = zip(self.probabilities[budget], self.space.splits, strict=True)
        return [score(self.space.plan["metric"], self.space.y[s.test], p.argmax(1), classes) for p, s in found]


def _tasks(space: Workspace, approach: Approach, split: int) -> list[Task]:
    if not approach.is_network:
        return [Task("score", approach.name, split)]
    return [Task("train", approach.name, split, str(b)) for b in space.budgets]


def assemble(space: Workspace) -> dict[str, Any]:
    """``approaches``, ``comparisons``, ``winner``, and ``chosen``: the approach and best baseline named at a budget."""
    outcomes = [Outcome(space, parse_approach(name)) for name in space.plan["approaches"]]
    outcomes = [o for o in outcomes if o.probabilities]
    ratio, repeats = fold_ratio(space.splits), times_tested(space.splits)
    labels = [space.y[s.test] for s in space.splits]
    approaches = [_scores(o, ratio, repeats, labels) for o in outcomes]
    comparisons, chosen = [], {}
    for budget in (str(b) for b in space.budgets):
        there = {o.approach.name: o for o in outcomes if budget in o.probabilities}
        if not any(o.approach.kind == "baseline" for o in there.values()):
            continue
        best = _choose({name: o for name, o in there.items() if o.approach.kind == "baseline"}, budget)
        named = _choose(there, budget) if _selected(there, budget) else best
        chosen[budget] = {"named": named, "baseline": best}
        comparisons += _compare(there, best, budget, ratio, repeats, labels)
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


def _scores(o: Outcome, ratio: float, repeats: int, labels: list[np.ndarray]) -> dict[str, Any]:
    plan, found = o.space.plan, {}
    for budget in o.probabilities:
        folds = o.folds(budget)
        mean, low, high = interval(
            folds,
            ratio=ratio,
            floor=sampling_variance(o.right(budget), labels, repeats=repeats),
            bounds=bounds_of(plan["metric"]),
        )
        selection = o.preference(budget)
        found[budget] = {
            "mean": mean, "low": low, "high": high, "selection": None if math.isnan(selection) else selection,
            "folds": folds, "n_labels": round(float(np.mean(o.n_labels[budget]))),
        }  # fmt: skip
    saw = "none" if o.approach.kind == "baseline" else plan["saw"]
    return {"name": o.approach.name, "kind": o.approach.kind, "saw": saw, "scores": found, "seconds": o.seconds}


def _compare(
    there: dict[str, Outcome], best: str, budget: str, ratio: float, repeats: int, labels: list[np.ndarray]
) -> list[dict[str, Any]]:
    """Every approach against the best baseline at a budget, Holm-corrected within it."""
    baseline, rows = there[best], []
    for name, o in there.items():
        if name == best:
            continue
        gaps = [a - b for a, b in zip(o.right(budget), baseline.right(budget), strict=True)]
        floor = sampling_variance(gaps, labels, repeats=repeats)
        d = paired(o.folds(budget), baseline.folds(budget), ratio=ratio, floor=floor)
        rows.append(
            {"budget": budget, "a": name, "b": best, "difference": d.difference, "low": d.low, "high": d.high, "p": d.p}
        )
    for row, corrected in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = float(corrected)
    return rows


def beats_guessing(space: Workspace, name: str, budget: str) -> bool:
    """Whether an approach's score is detectably above always naming one class (the interval's lower end)."""
    o = Outcome(space, parse_approach(name))
    labels = [space.y[s.test] for s in space.splits]
    guess = [np.full(len(y), np.bincount(space.y).argmax()) for y in labels]
    classes = np.unique(space.y)
    scores = [score(space.plan["metric"], y, g, classes) for y, g in zip(labels, guess, strict=True)]
    floor = sampling_variance(o.right(budget), labels, repeats=times_tested(space.splits))
    return paired(o.folds(budget), scores, ratio=fold_ratio(space.splits), floor=floor).low > 0
