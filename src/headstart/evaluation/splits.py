"""Splits: which labelled images train and which test, the same for every approach, nested over the label budgets."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headstart.errors import UserError, class_name
from headstart.evaluation.budgets import Budget, check_budget
from headstart.evaluation.groups import assign_group_folds
from headstart.evaluation.predefined_split import check_predefined, predefined_pool, predefined_test
from headstart.evaluation.uncertainty import LARGEST_SHARE
from headstart.training.recipe import check_seed

FEWEST_FOLDS = 4
PLENTY = 1000
ENOUGH_MODELS = 40


@dataclass(frozen=True, eq=False)
class Split:
    """One fold: indices into the labelled rows 0..m-1.

    train: (n_train,) the training pool, ascending. test: (n_test,) ascending.
    order: (n_train,) a permutation of ``train``; the first b of each class in it are the labels of budget b, the next b
    are another draw of them.
    """

    train: np.ndarray
    test: np.ndarray
    order: np.ndarray

    def budget(self, labels: np.ndarray, b: Budget, draw: int = 0) -> np.ndarray:
        """The rows whose labels budget b gives, in ``order``; every smaller budget's rows are among the first draw's.

        Draws share no label (``label_draws`` says how many there are).

        Raises:
            UserError: where a class of the training pool has fewer than b, in all draws up to this one.
        """
        if b == "all":
            return self.order
        check_budget(b * (draw + 1), labels, [self])
        kinds = labels[self.order]
        first = [np.flatnonzero(kinds == kind)[b * draw : b * (draw + 1)] for kind in np.unique(kinds)]
        return self.order[np.sort(np.concatenate(first))]


def default_folds(labels: np.ndarray, *, groups: np.ndarray | None = None, prescribed: np.ndarray | None = None) -> int:
    """5 where every class has 25 images (groups, where given) to be tested on and labels are below 1,000, else 4."""
    tested = predefined_test(prescribed)
    rows = np.arange(len(labels)) if tested is None else tested
    units = np.unique(np.column_stack([labels[rows], rows if groups is None else groups[rows]]), axis=0)
    _, counts = np.unique(units[:, 0], return_counts=True)
    return 5 if (counts >= 25).all() and len(labels) < PLENTY else FEWEST_FOLDS


def default_repeats(labels: np.ndarray, folds: int, *, prescribed: np.ndarray | None = None) -> int:
    """About 20 splits up to 150 labels, about 10 below 1,000, then one repeat (docs/protocol.md, Splits)."""
    _check_counts(folds)
    if predefined_test(prescribed) is not None or len(labels) >= PLENTY:
        return 1
    return max(1, (20 if len(labels) <= 150 else 10) // folds)


def make_splits(
    labels: np.ndarray,
    *,
    folds: int,
    repeats: int,
    seed: int,
    groups: np.ndarray | None = None,
    prescribed: np.ndarray | None = None,
    class_names: Sequence[str] = (),
) -> list[Split]:
    """Repeated stratified folds, ``folds * repeats`` of them; a repeat's folds lie next to each other.

    Where the source prescribes a test set, the pool is the prescribed training set in every split, and the tests are
    ``folds`` disjoint stratified parts of the predefined test set, once. More repeats leave the earlier ones alone.

    Args:
        labels: (m,) integers of the labelled rows.
        folds: parts a repeat, at least 4.
        repeats: how often the parts are drawn anew.
        seed: the same seed, the same splits.
        groups: (m,) rows of one number never straddle a split (``bound_groups``), or None.
        prescribed: (m,) of "train", "test" or "", or None.
        class_names: what errors call the classes; their numbers where it is empty.

    Raises:
        UserError: a seed below zero, too few folds or classes, a class too small, groups that cannot be parted.
    """
    check_seed(seed)
    _check_counts(folds, repeats)
    predefined = predefined_test(prescribed)
    tested = np.arange(len(labels)) if predefined is None else predefined
    pool = None if predefined is None else predefined_pool(np.asarray(prescribed), groups)
    if pool is not None:
        check_predefined(labels, labels[pool], labels[tested], class_names)
    _check_classes(labels[tested], folds, class_names, "" if pool is None else "test ")
    splits = []
    for repeat in range(repeats if pool is None else 1):
        rng = np.random.default_rng([seed, repeat])
        if groups is None:
            fold = _deal(labels[tested], folds, rng)
        else:
            fold = assign_group_folds(labels[tested], groups[tested], folds, rng, class_names)
        for k in range(folds):
            train = tested[fold != k] if pool is None else pool
            splits.append(Split(train, tested[fold == k], rng.permutation(train)))
    return splits


def _check_counts(folds: int, repeats: int = 1) -> None:
    if folds < FEWEST_FOLDS or repeats < 1:
        raise UserError(
            f"{folds} folds and {repeats} repeats: intervals need at least {FEWEST_FOLDS} folds and 1 repeat; "
            "ask for more"
        )


def split_hash(splits: Sequence[Split]) -> str:
    """SHA-256 of every index in every split: equal hash, equal protocol."""
    digest = hashlib.sha256()
    for split in splits:
        for rows in (split.train, split.test, split.order):
            digest.update(f"{len(rows)}:".encode())
            digest.update(rows.astype("<i8").tobytes())
    return digest.hexdigest()


def label_draws(splits: Sequence[Split], labels: np.ndarray, b: Budget) -> int:
    """How often a split draws labels at budget b: so often that all splits together use each label about once.

    Where an image would be tested by one model only, and the budget is small enough to tell what another draw would
    change (``uncertainty.LARGEST_SHARE``), at least twice. Never more than disjoint draws allow, nor more than make
    ``ENOUGH_MODELS`` in all, beyond which the labels at hand say hardly more.
    """
    if b == "all":
        return 1
    share = b * len(np.unique(labels)) / len(np.unique(np.concatenate([split.train for split in splits])))
    least = 2 if times_tested(splits) == 1 and share <= LARGEST_SHARE else 1
    most = min(int(np.unique(labels[split.train], return_counts=True)[1].min()) for split in splits) // b
    return max(1, min(most, ENOUGH_MODELS // len(splits), max(least, round(1 / share / len(splits)))))


def fold_ratio(splits: Sequence[Split]) -> float:
    """Images in a fold's test part to images in its training pool, the mean over splits (Nadeau and Bengio)."""
    return float(np.mean([len(split.test) / len(split.train) for split in splits]))


def times_tested(splits: Sequence[Split]) -> int:
    """How often an image is tested in all: the repeats there really are."""
    return int(np.bincount(np.concatenate([split.test for split in splits])).max())


def _check_classes(labels: np.ndarray, fewest: int, class_names: Sequence[str], where: str) -> None:
    kinds, counts = np.unique(labels, return_counts=True)
    if len(kinds) < 2:
        raise UserError(
            f"the {where}labels name {len(kinds)} class, and a comparison needs two or more: "
            "label images of another class"
        )
    if counts.min() < fewest:
        name, has = class_name(int(kinds[counts.argmin()]), class_names), f"{counts.min()} {where}image"
        raise UserError(
            f"class {name} has {has}{'s' if counts.min() != 1 else ''} and {fewest} folds need at least {fewest}: "
            f"label more of it, join it to another class or leave it out"
        )


def _deal(labels: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """(m,) fold numbers, as cards are dealt: class after class, shuffled, so that counts differ by at most one."""
    shuffled = rng.permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    fold = np.empty(len(labels), dtype=int)
    fold[by_class] = np.arange(len(labels)) % folds
    return fold
