"""From the tasks' files to results.json: scores, intervals, comparisons, and the approach that is named."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from headstart.evaluation.outcomes import Outcomes
from headstart.evaluation.splits import label_draws, split_hash
from headstart.evaluation.statistics import Score
from headstart.study.answer import compose
from headstart.study.approaches import Approach, parse_approach
from headstart.study.comparisons import choose, compare, corrected
from headstart.study.pool import needs
from headstart.study.records import ApproachRecord, Chosen, StudyRecord
from headstart.study.tasks import EncodeFacts, ScoreFacts
from headstart.study.workspace import Task, Workspace
from headstart.training.checkpoint import read_facts, read_tensors


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
        made = [read_facts(space.folder / task.path, EncodeFacts) for task in encoders]
        self.seconds += sum(facts.seconds for facts in made)

    def _read(self, task: Task) -> None:
        path = self.space.folder / task.path
        tensors, facts = read_tensors(path), read_facts(path, ScoreFacts)
        self.seconds += facts.seconds
        for budget, value in tensors.items():
            self.probabilities.setdefault(budget, []).append(value.numpy())
            selection = facts.selection[budget]
            self.selection.setdefault(budget, []).append(math.nan if selection is None else selection)
            self.n_labels.setdefault(budget, []).append(facts.n_labels[budget])

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
    return Outcomes(space.splits, space.y, said, space.plan.metric, space.groups, asked)


def assemble(space: Workspace) -> StudyRecord:
    """Everything that the tasks' files say, with the answer; a budget is there where every split has it."""
    plan, found = space.plan, [Outcome(space, parse_approach(name)) for name in space.plan.approaches]
    found = [o for o in found if o.probabilities]
    comparisons, chosen = [], {}
    for budget in (str(b) for b in space.budgets):
        there = {o.approach.name: o for o in found if budget in o.probabilities}
        baselines = {name for name, o in there.items() if o.approach.kind == "baseline"}
        if not baselines:
            continue
        named, best = choose({name: o.preference(budget) for name, o in there.items()}, baselines)
        chosen[budget] = Chosen(named, best)
        predicted = {name: o.at(budget) for name, o in there.items()}
        comparisons += compare(predicted, budget=budget, named=named, best=best, baselines=baselines)
    last = list(chosen)[-1]
    record = StudyRecord(
        answer="", source=plan.source, data_hash=plan.request.data_hash, n_labelled=len(space.labelled),
        n_unlabelled=len(space.labels) - len(space.labelled), class_names=plan.class_names, seed=plan.seed,
        metric=plan.metric, split_hash=split_hash(space.splits), folds=plan.folds, repeats=plan.repeats, saw=plan.saw,
        encoders=plan.encoders, views=plan.views, winner=chosen[last].named,
        approaches=tuple(_approach(o) for o in found), comparisons=corrected(comparisons, last), chosen=chosen,
        request=plan.request, left_out=plan.left_out,
    )  # fmt: skip
    return replace(record, answer=compose(record, beats_guessing=beats_guessing(space, record.winner, last)))


def _approach(o: Outcome) -> ApproachRecord:
    saw = "none" if o.approach.kind == "baseline" else o.space.plan.saw
    return ApproachRecord(o.approach.name, o.approach.kind, saw, {b: _score(o, b) for b in o.probabilities}, o.seconds)


def _score(o: Outcome, budget: str) -> Score:
    predicted, selection = o.at(budget), o.preference(budget)
    found = predicted.interval()
    return Score(
        found.mean, found.low, found.high, found.about, None if math.isnan(selection) else selection,
        tuple(predicted.folds), round(float(np.mean(o.n_labels[budget]))),
    )  # fmt: skip


def beats_guessing(space: Workspace, name: str, budget: str) -> bool:
    """Whether an approach's score is detectably above always naming one class (the interval's lower end)."""
    named = Outcome(space, parse_approach(name)).at(budget)
    often = np.bincount(space.y).argmax()
    draws = label_draws(space.splits, space.y, named.budget)
    guess = outcomes(space, [np.full((draws, len(s.test)), often) for s in space.splits], budget)
    return named.minus(guess).low > 0
