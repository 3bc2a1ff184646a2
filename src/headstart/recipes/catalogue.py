"""Which recipes there are: the files of this folder with a TOPIC, their first line and what they should find."""

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

    def options(self, given: Mapping[str, Any]) -> dict[str, Any]:
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
    return {name: (_constants(tree, "TOPIC")[0], _idea(tree)) for name, tree in _trees().items()}


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
    trees = {f: ast.parse(f.read_text("utf-8")) for f in sorted(Path(__file__).parent.glob("*.py"))}
    return {f.stem.replace("_", "-"): tree for f, tree in trees.items() if _constants(tree, "TOPIC")}


def _idea(tree: ast.Module) -> str:
    return (ast.get_docstring(tree) or "").partition("\n")[0]


def _constants(tree: ast.Module, name: str) -> list[str]:
    values = [n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == name]
    return [str(ast.literal_eval(value)) for value in values]
