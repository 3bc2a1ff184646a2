"""The one error a user's mistake raises: what was given, what was wanted, what to do."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class UserError(ValueError):
    """A mistake that the caller can mend. Its message is one line; the command line prints it and exits with 2."""


def unknown(kind: str, given: str, known: Iterable[str]) -> UserError:
    """A UserError for a name that does not exist, suggesting the nearest one that does."""
    names = list(known)
    near = get_close_matches(given, names, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(names)}"
    return UserError(f"unknown {kind} {given!r}: {hint}")


def class_name(number: int, names: Sequence[str]) -> str:
    """What an error calls a class: its name in quotes, its number where it has none."""
    return repr(names[number]) if number < len(names) else str(number)
