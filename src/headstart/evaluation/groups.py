"""Groups: rows that belong together stay on one side of every split, exact duplicates among them."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from headstart.errors import UserError, class_name

_ATTEMPTS = 20


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


def assign_group_folds(
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
            f"all images of class {class_name(int(kinds[tight]), class_names)} lie in one group, so no split can both "
            "train and test on it: give finer groups or leave the class out"
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
