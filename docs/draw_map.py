"""Write the README's map: every stage and every file of src/headstart, each with the first line of its docstring."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PACKAGE = ROOT / "src" / "headstart"
BEGIN, END = "<!-- map: written by `make map` -->", "<!-- end of map -->"


def first_line(file: Path) -> str:
    """The first line of a file's docstring, empty where there is none."""
    return (ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "").partition("\n")[0]


def stages() -> list[Path]:
    """The stages' folders in their order, which is the number in their first line: "Stage 3, encoders: …"."""
    folders = [file.parent for file in PACKAGE.glob("*/__init__.py")]
    return sorted(
        folders, key=lambda folder: int(first_line(folder / "__init__.py").split(",")[0].removeprefix("Stage "))
    )


def drawn() -> str:
    """The map as Markdown."""
    lines = [_entry(file) for file in sorted(PACKAGE.glob("*.py")) if file.stem != "__init__"]
    for number, folder in enumerate(stages(), start=1):
        sentence = first_line(folder / "__init__.py").partition(": ")[2]
        lines += ["", f"**{number}. [{folder.name}](src/headstart/{folder.name})**: {sentence}", ""]
        lines += [_entry(file) for file in sorted(folder.glob("*.py")) if file.stem != "__init__"]
    return "\n".join(lines)


def with_map(text: str) -> str:
    """The README's text with the map between its two markers drawn anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{drawn()}\n\n{END}{after}"


def _entry(file: Path) -> str:
    return f"- [{file.name}]({file.relative_to(ROOT)}): {first_line(file)}"


if __name__ == "__main__":
    README.write_text(with_map(README.read_text("utf-8")), "utf-8")
    print(f"drew the map in {README.name}")
