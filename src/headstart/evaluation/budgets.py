"""Budgets: how many labels a class an approach may learn from, and which series of them fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from headstart.errors import UserError, class_name

if TYPE_CHECKING:
    from headstart.evaluation.splits import Split

Budget = int | Literal["all"]


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
            name = class_name(int(kinds[counts.argmin()]), class_names)
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
