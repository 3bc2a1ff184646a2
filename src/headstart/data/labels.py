"""Labels, groups and splits in any spelling become integers and names; what is missing stays missing."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from headstart.errors import UserError

MISSING = -1
_SPLITS = {"": "", "train": "train", "training": "train", "test": "test", "testing": "test"}
_SPLITS |= dict.fromkeys(("val", "valid", "validation"), "train")


def spelling(name: str) -> str:
    """A name in small letters and British spelling: "Unlabeled" is "unlabelled"."""
    return name.strip().lower().replace("labeled", "labelled")


def one_each(values: Any, n: int, what: str) -> np.ndarray:
    """``values`` as an (n,) object array.

    Raises:
        UserError: where there are not n of them.
    """
    column = np.asarray(values, dtype=object)
    if column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    if column.shape != (n,):
        raise UserError(f"{what} has the shape {column.shape} for {n} images: give one value an image, shape ({n},)")
    return column


def class_labels(
    values: Sequence[Any] | np.ndarray, names: Sequence[str] | None = None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels as (n,) int64 indices into class names, and these names.

    Missing labels are -1, NaN, None or an empty string. With ``names``, integers index them and strings are looked up
    in them; without, the distinct labels, sorted (as numbers where all are), are the classes.

    Raises:
        UserError: for a label that is neither an integer nor a name, negative other than -1, or not among ``names``.
    """
    cells = [_cell(value, "label") for value in values]
    given: set[int | str] = {cell for cell in cells if cell is not None}
    if any(isinstance(cell, str) for cell in given) and not all(isinstance(cell, str) for cell in given):
        cells = [None if cell is None else str(cell) for cell in cells]
        given = {str(cell) for cell in given}
    index = _named(given, [str(name) for name in names]) if names is not None else _found(given)
    labels = np.array([MISSING if cell is None else index[cell] for cell in cells], np.int64)
    return labels, tuple(map(str, index if names is None else names))


def text(value: Any, what: str) -> Any:
    """Bytes as text, anything else as it is.

    Raises:
        UserError: for bytes that are not UTF-8.
    """
    try:
        return value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        raise UserError(f"{what} {value!r} is not text in UTF-8: save the names as text, or in UTF-8") from None


def _cell(value: Any, what: str) -> int | str | None:
    """One label or group: an integer, a name, or None where it is missing."""
    value = text(value, what)
    if isinstance(value, str):
        return None if value.strip() in ("", "-1") else value.strip()
    if value is None or value != value:
        return None
    if not isinstance(value, int | float | np.number | np.bool_) or not float(value).is_integer():
        raise UserError(f"{what} {value!r} is neither an integer nor a name: give integers (-1 = none) or names")
    if value < MISSING:
        raise UserError(f"{what} {int(value)} is negative: give 0, 1, 2, …, or -1 where it is missing")
    return None if value == MISSING else int(value)


def _found(given: set[int | str]) -> dict[int | str, int]:
    try:
        ordered = sorted(given, key=lambda label: (int(label), label))
    except ValueError:
        ordered = sorted(given, key=str)
    return {label: i for i, label in enumerate(ordered)}


def _named(given: set[int | str], names: list[str]) -> dict[int | str, int]:
    if len(set(names)) < len(names):
        raise UserError(f"class_names repeats a name: {', '.join(names)}")
    index = {name: i for i, name in enumerate(names)} | dict(enumerate(range(len(names))))
    for label in given:
        if label not in index:
            raise UserError(f"label {label!r} is not among the {len(names)} class_names: {', '.join(names)}")
    return index


def groups(values: Sequence[Any] | np.ndarray | None) -> np.ndarray | None:
    """Groups as (n,) int64, numbered in sorted order, -1 where there is none; None where no image has one."""
    if values is None:
        return None
    numbers = class_labels([_cell(value, "group") for value in values])[0]
    return None if (numbers == MISSING).all() else numbers


def splits(values: Sequence[Any] | np.ndarray | None) -> np.ndarray | None:
    """Splits as (n,) of "train", "test" or ""; None where not some, but not all, are "test".

    Validation images belong to training.
    """
    if values is None:
        return None
    cells = ["" if value is None else str(text(value, "split")).strip().lower() for value in values]
    for cell in cells:
        if cell not in _SPLITS:
            raise UserError(f"split {cell!r} is unknown: give train, test, or nothing")
    found = np.array([_SPLITS[cell] for cell in cells], dtype="<U5")
    return found if 0 < (found == "test").sum() < len(found) else None
