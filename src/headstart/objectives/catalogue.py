"""Which methods there are: the files of this folder, each with its first line."""

import ast
import inspect
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from headstart.errors import UserError, unknown

if TYPE_CHECKING:
    from headstart.objectives.objective import Objective

_NOT_METHODS = {"__init__", "catalogue", "learner", "objective", "ranges", "reconstruction"}


@cache
def methods() -> dict[str, str]:
    """Method name -> the idea in one sentence, read from each file's first line without importing it."""
    files = [f for f in sorted(Path(__file__).parent.glob("*.py")) if f.stem not in _NOT_METHODS]
    texts = {f.stem: ast.get_docstring(ast.parse(f.read_text("utf-8"))) or "" for f in files}
    return {name: text.partition("\n")[0] for name, text in texts.items()}


def method_class(name: str) -> "type[Objective]":
    """The class of a method: the one subclass of Objective that its file defines, or what "module:Class" names."""
    if ":" in name:
        from headstart.encoders.build import imported

        return imported(name)
    if name not in methods():
        raise unknown("method", name, [*methods(), "greedy"])
    module = import_module(f"headstart.objectives.{name}")
    from headstart.objectives.objective import Objective

    return next(
        c for c in vars(module).values()
        if isinstance(c, type) and issubclass(c, Objective) and c.__module__ == module.__name__
    )  # fmt: skip


def hyperparameters(objective: type, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Keyword -> value of a method's own hyperparameters: their defaults, but for those that are given.

    Values that are no plain numbers or texts are among them only where they are given.

    Raises:
        UserError: another name, or another kind of value.
    """
    parameters = inspect.signature(objective).parameters.values()
    asked = {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is not p.empty}
    values = {name: p.default for name, p in asked.items() if isinstance(p.default, int | float | str)}
    for name, value in (given or {}).items():
        if name not in asked:
            raise unknown(f"option of {objective.__name__}", name, asked)
        values[name] = _as(asked[name].default, name, value)
        allowed = get_args(asked[name].annotation) if get_origin(asked[name].annotation) is Literal else ()
        if allowed and values[name] not in allowed:
            raise UserError(f"{name}={value}: wanted {' or '.join(map(str, allowed))}")
    return values


def _as(default: Any, name: str, value: Any) -> Any:
    """A value of the kind of a default; a text of it is read."""
    if isinstance(default, bool) or not isinstance(default, int | float | str):
        return value
    kind = type(default)
    try:
        made = kind(value)
    except (TypeError, ValueError):
        made = None
    if made is None or made != made or (kind is int and made != float(value)):  # NaN equals nothing, itself neither
        wanted = {int: "a whole number", float: "a number"}.get(kind, "a text")
        raise UserError(f"{name}={value}: wanted {wanted}, such as {name}={default}")
    return made


def parse_options(text: str | None) -> dict[str, str]:
    """``temperature=0.1,width=64`` -> name and text of each."""
    pairs = (part.strip().partition("=") for part in (text or "").split(",") if part.strip())
    return {name: value for name, _, value in pairs}
