"""Write the notebooks: every example and every recipe as cells to run, generated from their files and never edited."""

import ast
import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from headstart.recipes.catalogue import find_recipe, topics
from headstart.recipes.run import told

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
Cell = tuple[str, str]  # its type, and its text
DISPLAY = "from IPython.display import Image, display\n"
PICTURE = "display(Image(filename=str({}), width=960))"
HOW = """The quick form takes up to three minutes on two cores; `quick=False` is the real one. Data sets are looked for
in the folder that the variable `HEADSTART_DATA` names. Run again, this shows what is already there."""
RUN = """from pathlib import Path

import headstart

result = headstart.run_recipe("{name}", quick=True, out=Path("runs/{name}-quick"), resume=True)"""
SHOW = f"""{DISPLAY}
for picture in sorted((result.folder / "pictures").glob("*.png")):
    print(picture)
    {PICTURE.format("picture")}"""


def drawn() -> dict[str, str]:
    """File name -> content of every notebook."""
    examples = {file.stem: list(of_example(file)) for file in sorted((ROOT / "examples").glob("*.py"))}
    recipes = {name: list(of_recipe(name)) for name in topics()}
    return {f"{name}.ipynb": _notebook(cells) for name, cells in (examples | recipes).items()}


def of_example(file: Path) -> Iterator[Cell]:
    """The docstring, then the code a paragraph a cell; a comment between them is text, a saved figure is shown."""
    source = file.read_text("utf-8")
    heading, _, story = (ast.get_docstring(ast.parse(source)) or "").partition("\n")
    yield _origin(f"examples/{file.name}")
    yield "markdown", f"{_heading(heading)}\n{story}".rstrip()
    for kind, text in paragraphs(source):
        yield kind, text
        saved = _saved(text) if kind == "code" else []
        if saved:
            yield "code", "\n".join([DISPLAY, *map(PICTURE.format, saved)])


def of_recipe(name: str) -> Iterator[Cell]:
    """The story and what to expect, a cell that runs the quick form, then its numbers and its pictures."""
    recipe = find_recipe(name)
    ranges = [f"| `{key}` | {told(recipe.quick[key])} | {told(recipe.expected[key])} |" for key in recipe.expected]
    table = "\n".join(["| expected | quick form | full form |", "|---|---|---|", *ranges])
    yield _origin(f"src/headstart/recipes/{name.replace('-', '_')}.py")
    head = f"{_heading(recipe.idea)}\n\n{recipe.topic}: `headstart recipe {name}`"
    yield "markdown", f"{head}\n\n{recipe.story}\n\n{table}"
    yield "markdown", HOW
    yield "code", RUN.format(name=name)
    yield "markdown", "The numbers beside the ranges that were stated before:"
    yield "code", "print(result)"
    yield "markdown", "The pictures, fit for slides as the files are:"
    yield "code", SHOW


def paragraphs(source: str) -> Iterator[Cell]:
    """What blank lines part, but never a part of a statement; all imports together; a comment between them as text."""
    body = ast.parse(source).body
    start = _last_line(body[0]) if ast.get_docstring(ast.parse(source)) else 0
    inside = {line for node in body for line in range(node.lineno + 1, _last_line(node) + 1)}
    imports = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    inside |= set(range(imports[0].lineno, imports[-1].lineno)) if imports else set()
    lines = [(_kind(line, number in inside), line) for number, line in enumerate(source.splitlines(), start=1)]
    for kind, part in groupby(lines[start:], key=lambda line: line[0]):
        text = "\n".join(line if kind == "code" else line.removeprefix("#").strip() for _, line in part)
        if kind:
            yield kind, text


def _kind(line: str, inside: bool) -> str:
    """The type of the cell that a line belongs to, none for a blank line between statements."""
    if inside or not line:
        return "code" if inside else ""
    return "markdown" if line.startswith("#") else "code"


def _last_line(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _origin(file: str) -> Cell:
    return "markdown", f"Written by `make notebooks` from [{file}](../{file}): edit that file, never this one."


def _heading(sentence: str) -> str:
    return f"# {sentence.removesuffix('.')}"


def _saved(code: str) -> list[str]:
    """The files that figures are saved to, as the code names them."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    return [ast.unparse(call.args[0]) for call in calls if ast.unparse(call.func).endswith(".savefig")]


def _notebook(cells: list[Cell]) -> str:
    """The cells as a file of nbformat 4.5, with nothing computed yet, as Jupyter itself would write it."""
    content = {
        "cells": [_stored(kind, text, number) for number, (kind, text) in enumerate(cells, start=1)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _stored(kind: str, text: str, number: int) -> dict[str, Any]:
    stored = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": text.splitlines(keepends=True)}
    return stored | ({"execution_count": None, "outputs": []} if kind == "code" else {})


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    written = drawn()
    for leftover in {file.name for file in FOLDER.glob("*.ipynb")} - set(written):
        (FOLDER / leftover).unlink()
    for name, text in written.items():
        (FOLDER / name).write_text(text, "utf-8")
    print(f"wrote {len(written)} notebooks")
