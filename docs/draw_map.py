"""Write the README's map of stages and files, and the table of recipes, from the first lines of the files."""

import ast
from pathlib import Path

from headstart.recipes.catalogue import topics

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PACKAGE = ROOT / "src" / "headstart"
RECIPES = ROOT / "docs" / "recipes.md"
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


def recipes() -> str:
    """Every recipe with the lecture's topic and its idea, as a Markdown table."""
    rows = [f"| [`{name}`](../notebooks/{name}.ipynb) | {topic} | {idea} |" for name, (topic, idea) in topics().items()]
    return "\n".join(["| recipe | topic | idea |", "|---|---|---|", *rows])


def with_map(text: str, drawing: str) -> str:
    """A page's text with what stands between its two markers drawn anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{drawing}\n\n{END}{after}"


def _entry(file: Path) -> str:
    return f"- [{file.name}]({file.relative_to(ROOT)}): {first_line(file)}"


if __name__ == "__main__":
    for page, drawing in ((README, drawn()), (RECIPES, recipes())):
        page.write_text(with_map(page.read_text("utf-8"), drawing), "utf-8")
    print(f"drew the map in {README.name} and the table in {RECIPES.name}")
