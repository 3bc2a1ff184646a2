"""Which methods there are: the files of this folder, each with its first line."""

import ast
from pathlib import Path

_NOT_METHODS = {"__init__", "catalogue", "objective"}


def methods() -> dict[str, str]:
    """Method name -> the idea in one sentence, read from each file's first line without importing it."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    found = {f.stem: (ast.get_docstring(ast.parse(f.read_text("utf-8"))) or "") for f in files if f.stem not in _NOT_METHODS}
    return {name: text.splitlines()[0] for name, text in found.items()}
