"""Splits that the source prescribes: its test set is the test, its training set the pool."""

from collections.abc import Sequence

import numpy as np

from headstart.errors import UserError, class_name


def predefined_test(prescribed: np.ndarray | None) -> np.ndarray | None:
    """The rows of the source's test set; None where it has none."""
    tested = np.flatnonzero(np.asarray(prescribed) == "test") if prescribed is not None else np.empty(0, dtype=int)
    return tested if len(tested) else None


def predefined_pool(prescribed: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Rows marked for training (all that are not test where none is), without those bound to a test row."""
    test, marked = prescribed == "test", prescribed == "train"
    free = marked if marked.any() else ~test
    return np.flatnonzero(free if groups is None else free & ~np.isin(groups, groups[test]))


def check_predefined(labels: np.ndarray, trained: np.ndarray, tested: np.ndarray, class_names: Sequence[str]) -> None:
    """Refuse a class that is nowhere in the training set, whether it is tested or lies outside both sets."""
    absent = np.setdiff1d(labels, trained)
    if len(absent) and absent[0] not in tested:
        raise UserError(
            f"class {class_name(int(absent[0]), class_names)} has labels, none of them in the source's training or "
            "test set: mark its images as train and test, or remove their labels"
        )
    if len(absent):
        raise UserError(
            f"class {class_name(int(absent[0]), class_names)} is in the source's test set and not in its training set: "
            "add it there or leave it out"
        )
