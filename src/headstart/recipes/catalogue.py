"""Which recipes there are: the files of this folder, each with its topic, its first line and what it should find."""

import ast
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.errors import UserError, unknown

if TYPE_CHECKING:
    from headstart.recipes.work import Found, Range, Ranges


@dataclass(frozen=True)
class Recipe:
    """A recipe's file: its ``TOPIC``, its docstring, what it should find in either form, and its ``run``.

    not_foretold: option -> metrics whose ranges do not hold where it is given (a recipe's ``NOT_FORETOLD``).
    """

    name: str
    topic: str
    idea: str
    story: str
    expected: "Ranges"
    quick: "Ranges"
    not_foretold: Mapping[str, tuple[str, ...]]
    run: "Callable[..., Found]"

    def foretold(self, *, quick: bool, options: Iterable[str]) -> "dict[str, Range]":
        """The ranges that were stated for this form and these options."""
        open_ = {metric for option in options for metric in self.not_foretold.get(option, ())}
        ranges = self.quick if quick else self.expected
        return {metric: ends for metric, ends in ranges.items() if metric not in open_}

    def options(self, given: dict[str, Any]) -> dict[str, Any]:
        """Of the options, those that were given.

        Raises:
            UserError: one that this recipe does not take.
        """
        takes = [p.name for p in inspect.signature(self.run).parameters.values() if p.kind is p.KEYWORD_ONLY]
        asked = {key: value for key, value in given.items() if value is not None and value is not False}
        for key in asked:
            if key not in takes:
                can = f"it takes {', '.join('--' + name for name in takes)}" if takes else "leave it out"
                raise UserError(f"recipe {self.name} has no --{key}: {can}")
        return asked


def topics() -> dict[str, tuple[str, str]]:
    """Recipe name -> (topic of the lecture, the idea in one sentence), read without importing the files."""
    return {name: (_topic(tree) or "", _idea(tree)) for name, tree in _trees().items()}


def find_recipe(name: str) -> Recipe:
    """A recipe by name.

    Raises:
        UserError: there is none of that name; the nearest is named.
    """
    trees = _trees()
    if name not in trees:
        raise unknown("recipe", name, trees)
    module = import_module(f"headstart.recipes.{name.replace('-', '_')}")
    story = inspect.cleandoc(module.__doc__ or "").partition("\n\n")[2]
    open_ = vars(module).get("NOT_FORETOLD", {})
    return Recipe(name, module.TOPIC, _idea(trees[name]), story, module.EXPECTED, module.QUICK, open_, module.run)


def _trees() -> dict[str, ast.Module]:
    """The files that name a topic, by the recipe's name."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    trees = {file.stem.replace("_", "-"): ast.parse(file.read_text("utf-8")) for file in files}
    return {name: tree for name, tree in trees.items() if _topic(tree)}


def _idea(tree: ast.Module) -> str:
    return (ast.get_docstring(tree) or "").partition("\n")[0]


def _topic(tree: ast.Module) -> str | None:
    values = [n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "TOPIC"]
    return str(ast.literal_eval(values[0])) if values else None
