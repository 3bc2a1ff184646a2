"""Which methods there are: the files of this folder, each with its first line."""

import ast
import inspect
import math
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from headstart.errors import UserError, unknown

if TYPE_CHECKING:
    from headstart.encoders.encoder import Encoder
    from headstart.objectives.objective import Objective

_NOT_METHODS = {"__init__", "catalogue", "objective", "reconstruction"}


@cache
def methods() -> dict[str, str]:
    """Method name -> the idea in one sentence, read from each file's first line without importing it."""
    files = [f for f in sorted(Path(__file__).parent.glob("*.py")) if f.stem not in _NOT_METHODS]
    texts = {f.stem: ast.get_docstring(ast.parse(f.read_text("utf-8"))) or "" for f in files}
    return {name: text.partition("\n")[0] for name, text in texts.items()}


def method_class(name: str) -> "type[Objective]":
    """The class of a method: the one subclass of Objective that its file defines."""
    if name not in methods():
        raise unknown("method", name, [*methods(), "greedy"])
    module = import_module(f"headstart.objectives.{name}")
    from headstart.objectives.objective import Objective

    return next(
        c for c in vars(module).values()
        if isinstance(c, type) and issubclass(c, Objective) and c.__module__ == module.__name__
    )  # fmt: skip


def make_objective(
    name: str, encoder: "Encoder", *, shape: tuple[int, int, int], classes: int = 0, **options: Any
) -> "Objective":
    """A method by name around an encoder; of ``shape`` and ``classes`` it gets what its signature asks for."""
    chosen = method_class(name)
    asked = inspect.signature(chosen).parameters
    given = {k: v for k, v in {"shape": shape, "classes": classes}.items() if k in asked}
    return chosen(encoder, **given, **options)


def hyperparameters(name: str, given: str | None = None) -> dict[str, Any]:
    """Keyword -> value of a method's own hyperparameters: their defaults, but those that ``temperature=0.1`` changes.

    Raises:
        UserError: another name, or another kind of value.
    """
    asked = inspect.signature(method_class(name)).parameters.values()
    values = {p.name: p.default for p in asked if isinstance(p.default, int | float | str)}
    kinds = {p.name: p.annotation for p in asked}
    for part in given.split(",") if given else []:
        option, _, value = part.strip().partition("=")
        if option not in values:
            raise unknown(f"option of {name}", option, values)
        kind = type(values[option])
        try:
            values[option] = kind(value)
        except ValueError:
            wanted = "a whole number" if kind is int else "a number"
            raise UserError(f"--options {part.strip()}: wanted {wanted}, such as {option}={values[option]}") from None
        if wanted := _outside(option, values[option], get_args(kinds[option])):
            raise UserError(f"--options {part.strip()}: wanted {wanted}")
    return values


def _outside(option: str, value: Any, allowed: tuple[Any, ...]) -> str | None:
    """What is wanted of an option that cannot be so; its name says what it is."""
    if allowed:
        return None if value in allowed else " or ".join(map(str, allowed))
    if isinstance(value, int):
        return None if value >= 1 else "at least 1"
    if "temperature" in option:
        return None if 0 < value < math.inf else "a number above 0"
    if "momentum" in option or option == "masking":
        return None if 0 <= value < 1 else "at least 0, below 1"
    return None if 0 <= value < math.inf else "a number of at least 0"
