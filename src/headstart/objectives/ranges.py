"""Ranges: a method refuses hyperparameters with which it would mean nothing, in one line."""

import math

from headstart.errors import UserError


def at_least_one(**values: int) -> None:
    """Raise UserError for a number below 1."""
    _refuse({name: value >= 1 for name, value in values.items()}, values, "at least 1")


def positive(**values: float) -> None:
    """Raise UserError for a number that is not above 0, or infinite."""
    _refuse({name: 0 < value < math.inf for name, value in values.items()}, values, "a number above 0")


def not_negative(**values: float) -> None:
    """Raise UserError for a number below 0, or infinite."""
    _refuse({name: 0 <= value < math.inf for name, value in values.items()}, values, "a number of at least 0")


def below_one(**values: float) -> None:
    """Raise UserError for a number outside [0, 1)."""
    _refuse({name: 0 <= value < 1 for name, value in values.items()}, values, "at least 0, below 1")


def _refuse(fits: dict[str, bool], values: object, wanted: str) -> None:
    assert isinstance(values, dict)
    for name, fit in fits.items():
        if not fit:
            raise UserError(f"{name}={values[name]}: wanted {wanted}")
