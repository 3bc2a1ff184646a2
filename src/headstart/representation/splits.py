"""Splits: which labelled images train and which test, the same for every approach, nested over the label budgets."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from headstart.errors import UserError
from headstart.training.recipe import check_seed

Budget = int | Literal["all"]

FEWEST_FOLDS = 4
PLENTY = 1000
_ATTEMPTS = 20


@dataclass(frozen=True, eq=False)
class Split:
    """One fold: indices into the labelled rows 0..m-1.

    train: (n_train,) the training pool, ascending. test: (n_test,) ascending.
    order: (n_train,) a permutation of ``train``; the first b of each class in it are the labels of budget b.
    """

    train: np.ndarray
    test: np.ndarray
    order: np.ndarray

    def budget(self, labels: np.ndarray, b: Budget) -> np.ndarray:
        """The rows whose labels budget b gives, in ``order``; every smaller budget's rows are among them.

        Raises:
            UserError: where a class of the training pool has fewer than b.
        """
        if b == "all":
            return self.order
        check_budget(b, labels, [self])
        kinds = labels[self.order]
        first = [np.flatnonzero(kinds == kind)[:b] for kind in np.unique(kinds)]
        return self.order[np.sort(np.concatenate(first))]


def bound_groups(groups: np.ndarray | None, duplicate_class: np.ndarray) -> np.ndarray | None:
    """Groups and exact duplicates merged: rows joined by a chain of either get one number.

    Args:
        groups: (m,) equal numbers belong together, -1 is no group; or None.
        duplicate_class: (m,) equal numbers are the same image, -1 is unique.

    Returns:
        (m,) numbers from 0, a row that is bound to no other having its own; None when no row is bound to another.
    """
    m = len(duplicate_class)
    rows, ties, known = [], [], m
    for given in (groups, duplicate_class):
        if given is None:
            continue
        bound = np.flatnonzero(np.asarray(given) >= 0)
        names, tie = np.unique(np.asarray(given)[bound], return_inverse=True)
        rows.append(bound)
        ties.append(tie + known)
        known += len(names)
    row, tie = np.concatenate(rows), np.concatenate(ties)
    _, component = connected_components(
        coo_array((np.ones(len(row)), (row, tie)), shape=(known, known)), directed=False
    )
    names, merged = np.unique(component[:m], return_inverse=True)
    return None if len(names) == m else merged


def default_folds(labels: np.ndarray, *, groups: np.ndarray | None = None, prescribed: np.ndarray | None = None) -> int:
    """5 where every class has 25 images (groups, where given) to be tested on and labels are below 1,000, else 4."""
    tested = _official_test(prescribed)
    rows = np.arange(len(labels)) if tested is None else tested
    units = np.unique(np.column_stack([labels[rows], rows if groups is None else groups[rows]]), axis=0)
    _, counts = np.unique(units[:, 0], return_counts=True)
    return 5 if (counts >= 25).all() and len(labels) < PLENTY else FEWEST_FOLDS


def default_repeats(labels: np.ndarray, folds: int, *, prescribed: np.ndarray | None = None) -> int:
    """About 20 splits up to 150 labels, about 10 below 1,000, then one repeat (docs/protocol.md, Splits)."""
    _check_counts(folds)
    if _official_test(prescribed) is not None or len(labels) >= PLENTY:
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
    ``folds`` disjoint stratified parts of the official test set, once. More repeats leave the earlier ones as they are.

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
    official = _official_test(prescribed)
    tested = np.arange(len(labels)) if official is None else official
    pool = None if official is None else _official_pool(np.asarray(prescribed), groups)
    if pool is not None:
        _check_official(labels, labels[pool], labels[tested], class_names)
    _check_classes(labels[tested], folds, class_names, "" if pool is None else "test ")
    splits = []
    for repeat in range(repeats if pool is None else 1):
        rng = np.random.default_rng([seed, repeat])
        if groups is None:
            fold = _deal(labels[tested], folds, rng)
        else:
            fold = _deal_groups(labels[tested], groups[tested], folds, rng, class_names)
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


def fold_ratio(splits: Sequence[Split]) -> float:
    """Images in a fold's test part to images in its training pool, the mean over splits (Nadeau and Bengio)."""
    return float(np.mean([len(split.test) / len(split.train) for split in splits]))


def times_tested(splits: Sequence[Split]) -> int:
    """How often an image is tested in all: the repeats there really are (``statistics.sampling_variance``)."""
    return int(np.bincount(np.concatenate([split.test for split in splits])).max())


def default_budgets(labels: np.ndarray, splits: Sequence[Split]) -> list[Budget]:
    """5, 10, 25, 50, 100, … labels a class, as far as they fit and are less than everything, then "all"."""
    fewest, most = _class_range(labels, splits)
    fitting: list[Budget] = []
    for b in _series():
        if b > fewest or b >= most:
            return [*fitting, "all"]
        fitting.append(b)
    raise AssertionError("the series of budgets has no end")


def parse_budgets(
    text: str, labels: np.ndarray, splits: Sequence[Split], *, class_names: Sequence[str] = ()
) -> list[Budget]:
    """The budgets of "5,10,all", ascending, "all" last.

    Raises:
        UserError: not a whole number above 0 or "all", given twice, or more than a class has in some training fold.
    """
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if word != "all" and not (word.isascii() and word.isdigit() and int(word) > 0):
            raise UserError(f"budget {word!r} is neither a whole number above 0 nor 'all': write for example 5,10,all")
    numbers = [int(word) for word in words if word != "all"]
    if len(set(numbers)) < len(numbers) or words.count("all") > 1:
        raise UserError(f"budgets {text!r} name one twice: give each once")
    for b in numbers:
        check_budget(b, labels, splits, class_names=class_names)
    every: list[Budget] = ["all"] if "all" in words else []
    return [*sorted(numbers), *every]


def check_budget(b: int, labels: np.ndarray, splits: Sequence[Split], *, class_names: Sequence[str] = ()) -> None:
    """Refuse a budget that some class cannot fill in some training fold, naming the class and what it has."""
    for split in splits:
        kinds, counts = np.unique(labels[split.train], return_counts=True)
        if counts.min() < b:
            name = _name(int(kinds[counts.argmin()]), class_names)
            raise UserError(
                f"a budget of {b} labels a class does not fit: class {name} has {counts.min()} in a training fold; "
                f"ask for at most {counts.min()} or 'all'"
            )


def _series() -> Iterator[int]:
    decade = 1
    while True:
        yield from (5 * decade, 10 * decade, 25 * decade)
        decade *= 10


def _class_range(labels: np.ndarray, splits: Sequence[Split]) -> tuple[int, int]:
    """The smallest class in any training fold, and the largest class in the fold where the largest is smallest."""
    counts = [np.unique(labels[split.train], return_counts=True)[1] for split in splits]
    return min(int(c.min()) for c in counts), min(int(c.max()) for c in counts)


def _official_test(prescribed: np.ndarray | None) -> np.ndarray | None:
    tested = np.flatnonzero(np.asarray(prescribed) == "test") if prescribed is not None else np.empty(0, dtype=int)
    return tested if len(tested) else None


def _official_pool(prescribed: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Rows marked for training (all that are not test where none is), without those bound to a test row."""
    test, marked = prescribed == "test", prescribed == "train"
    free = marked if marked.any() else ~test
    return np.flatnonzero(free if groups is None else free & ~np.isin(groups, groups[test]))


def _check_official(labels: np.ndarray, trained: np.ndarray, tested: np.ndarray, class_names: Sequence[str]) -> None:
    """Refuse a class that is nowhere in the training set, whether it is tested or lies outside both sets."""
    absent = np.setdiff1d(labels, trained)
    if len(absent) and absent[0] not in tested:
        raise UserError(
            f"class {_name(int(absent[0]), class_names)} has labels, none of them in the source's training or test "
            "set: mark its images as train and test, or remove their labels"
        )
    if len(absent):
        raise UserError(
            f"class {_name(int(absent[0]), class_names)} is in the source's test set and not in its training set: "
            "add it there or leave it out"
        )


def _check_classes(labels: np.ndarray, fewest: int, class_names: Sequence[str], where: str) -> None:
    kinds, counts = np.unique(labels, return_counts=True)
    if len(kinds) < 2:
        raise UserError(
            f"the {where}labels name {len(kinds)} class, and a comparison needs two or more: "
            "label images of another class"
        )
    if counts.min() < fewest:
        name, has = _name(int(kinds[counts.argmin()]), class_names), f"{counts.min()} {where}image"
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


def _deal_groups(
    labels: np.ndarray, groups: np.ndarray, folds: int, rng: np.random.Generator, class_names: Sequence[str]
) -> np.ndarray:
    """(m,) fold numbers that keep groups whole; of several shuffles, the first in which no fold lacks a class."""
    kinds, kind = np.unique(labels, return_inverse=True)
    units, unit = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(units), len(kinds)))
    np.add.at(counts, (unit, kind), 1)
    if len(units) < folds:
        raise UserError(f"{len(units)} groups cannot fill {folds} folds: ask for fewer folds or give finer groups")
    tight = int((counts > 0).sum(axis=0).argmin())
    if (counts[:, tight] > 0).sum() < 2:
        raise UserError(
            f"all images of class {_name(int(kinds[tight]), class_names)} lie in one group, so no split can both train "
            "and test on it: give finer groups or leave the class out"
        )
    best, lacking = None, np.inf
    for _ in range(_ATTEMPTS):
        fold = _place(counts, folds, rng)
        held = np.zeros((folds, len(kinds)))
        np.add.at(held, fold, counts)
        trainable = (held < counts.sum(axis=0)).all() and (held.sum(axis=1) > 0).all()
        if trainable and (held == 0).sum() < lacking:
            best, lacking = fold, (held == 0).sum()
        if lacking == 0:
            break
    if best is None:
        raise UserError(f"{len(units)} groups leave one of {folds} training folds without a class: give finer groups")
    return best[unit]


def _place(counts: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """(u,) the fold of each group: large ones first, each where the squared class shares grow least.

    counts: (u, k) images a group and class. Sizes are jittered, so that every repeat deals anew.
    """
    weight = counts / counts.sum(axis=0)
    held = np.zeros((folds, counts.shape[1]))
    fold = np.empty(len(counts), dtype=int)
    for u in np.argsort(-counts.sum(axis=1) * rng.uniform(1.0, 1.5, len(counts))):
        growth = 2 * held @ weight[u] + 1e-6 * held.sum(axis=1) + 1e-9 * rng.random(folds)
        fold[u] = growth.argmin()
        held[fold[u]] += weight[u]
    return fold


def _name(kind: int, class_names: Sequence[str]) -> str:
    return repr(class_names[kind]) if kind < len(class_names) else str(kind)
