"""The protocol of a study in plain sentences, from its plan."""

from collections.abc import Sequence

import numpy as np

from headstart.evaluation.budgets import Budget
from headstart.evaluation.splits import label_draws
from headstart.study.approaches import is_untrained, parse_approach
from headstart.study.prepare import Prepared
from headstart.study.workspace import Workspace

_SAW = {
    "unlabelled": "Encoders learned from the unlabelled images only; exact copies of labelled images were left out.",
    "training": "Encoders learned anew in every split, from unlabelled images and the training fold's, without labels.",
    "all": "Encoders learned from every image, test images too, without labels (transductive).",
}


def sentences(space: Workspace, data: Prepared) -> list[str]:
    """What was done, in order."""
    plan, splits = space.plan, space.splits
    test = round(float(np.mean([len(s.test) for s in splits])))
    found = [
        f"{plan.folds} stratified folds, drawn {plan.repeats} time(s): {len(splits)} splits of the "
        f"{len(space.y)} labelled images, the same for every approach, about {test} test images each.",
        _SAW[plan.saw],
        "At each number of labels a class, the first so many of each class of the training fold were used, smaller "
        "sets within larger ones.",
        "Classifiers on frozen vectors and on pixels were tuned over six candidates each by inner cross-validation "
        "on the training labels. Networks were trained by one fixed recipe, and once more on four fifths of the "
        "labels; the other fifth gave their selection score.",
        *_yardsticks(space),
        "Test labels chose nothing. The approach named and the best baseline are those with the highest mean score "
        "on the training side (selection).",
        *_one_label(plan.budgets),
        *_uncertainty(space),
    ]
    if data.prescribed is not None and np.isin(data.prescribed, ["test"]).any():
        found[0] = (
            f"The source prescribes a test set: it was cut into {plan.folds} parts, each approach was trained on "
            "the prescribed training images, the same for every approach."
        )
    if data.dataset.groups is None:
        found.append(
            "No groups are known. If images belong together (a patient, a field of view), intervals may be optimistic."
        )
    else:
        found.append("Labelled images of one group were always on the same side of a split." + _kin(space, data))
    copies = len(data.twins) - len(np.unique(data.twins))
    if copies:
        found.append(f"{copies} exact duplicate(s) were found; copies were kept on the same side of a split.")
    return found


def _uncertainty(space: Workspace) -> list[str]:
    """What intervals are about, and which differences are tested."""
    units = "images" if space.groups is None else "groups of images"
    encoders, shared = space.plan.encoders, "each split" if space.runs > 1 else "all splits"
    drawn = {b: label_draws(space.splits, space.y, b) for b in space.budgets}
    several = " and ".join(f"{n} times at {b} a class" for b, n in drawn.items() if n > 1)
    found = [
        f"Intervals are 95 %: at all labels, and where draws share too many labels to compare them, for these fitted "
        f"models on new {units} (Bayle and others 2020); at fewer labels for fresh labels, too. Each score says which.",
        f"{encoders} encoders of each method, from other seeds, were put to every split: intervals are about any seed."
        if encoders > 1
        else f"One encoder of each method serves {shared}: intervals are about this one, another seed gives another.",
        "One difference is tested for itself: the approach named at the largest number of labels against the best "
        "baseline. Those named at fewer labels are corrected for their number, other pretrained approaches for theirs "
        "(Holm 1979); baselines among themselves are described, not tested.",
    ]
    if several:
        found.append(
            f"Each split drew its labels {several}, for classifiers on vectors; networks learned from the first."
        )
    return found


def _yardsticks(space: Workspace) -> list[str]:
    """What untrained and supervised networks are, where there are any."""
    methods = dict.fromkeys(parse_approach(name).method for name in space.plan.approaches)
    encoders = dict.fromkeys(space.encoder_name(method) for method in methods if is_untrained(method))
    if not encoders:
        return []
    return [
        f"Untrained and supervised networks ({', '.join(encoders)}) began with random weights, standardised by the "
        "same inputs as every other encoder."
    ]


def _one_label(budgets: Sequence[Budget]) -> list[str]:
    """How approaches are chosen where nothing can be held out."""
    if 1 not in budgets:
        return []
    if len(budgets) == 1:
        return ["With one label a class nothing can be held out: no approach is chosen, one is named by convention."]
    return [
        "With one label a class nothing can be held out: there approaches were chosen by their selection at the next "
        "larger number of labels, on the training side too."
    ]


def _kin(space: Workspace, data: Prepared) -> str:
    """What encoders saw of the unlabelled images that share a labelled image's group."""
    groups = data.dataset.groups
    if groups is None:
        return ""
    known = groups[data.dataset.labelled]
    if not np.isin(groups[data.dataset.unlabelled], known[known >= 0]).any():
        return ""
    return {
        "unlabelled": " One encoder serves all splits: it saw unlabelled images of tested groups, as inputs only.",
        "training": " Unlabelled images of a tested group were not shown to that split's encoder.",
    }.get(space.plan.saw, "")
