"""The notebooks are what their sources say, open in Jupyter as they are, and their code runs from top to bottom."""

import ast
import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from PIL import Image

import headstart
from headstart.recipes.catalogue import topics
from headstart.recipes.run import RecipeRecord, RecipeResult

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "notebooks").glob("*.ipynb"))


def the_drawing():
    spec = importlib.util.spec_from_file_location("draw_notebooks", ROOT / "docs" / "draw_notebooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cells(file: Path, kind: str) -> list[str]:
    stored = json.loads(file.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in stored if cell["cell_type"] == kind]


@pytest.fixture
def shown(monkeypatch) -> list[str]:
    """The files that a notebook shows, where Jupyter would show them."""
    jupyter, files = ModuleType("IPython.display"), []
    vars(jupyter).update(Image=lambda filename, width: filename, display=files.append)
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", jupyter)
    return files


def test_the_notebooks_are_what_their_sources_say_and_none_is_missing_or_left_over():
    kept = {file.name: file.read_text("utf-8") for file in FILES}
    drawn = the_drawing().drawn()
    assert sorted(kept) == sorted(drawn), "a notebook is missing or left over: make notebooks"
    assert [name for name in drawn if kept[name] != drawn[name]] == [], "out of date: make notebooks"


def test_every_example_and_every_recipe_has_a_notebook():
    assert {file.stem for file in FILES} == {*topics(), *(file.stem for file in (ROOT / "examples").glob("*.py"))}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_notebook_is_valid_says_where_it_comes_from_and_stores_nothing_computed(file):
    notebook = json.loads(file.read_text("utf-8"))
    assert set(notebook) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in ids)
    for cell in notebook["cells"]:
        computed = {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        assert set(cell) == {"cell_type", "id", "metadata", "source"} | computed
        assert all(isinstance(line, str) for line in cell["source"])
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    (source,) = re.findall(r"\]\(\.\./(.*?)\): edit that file", cells(file, "markdown")[0])
    assert (ROOT / source).is_file()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_code_cell_compiles_on_its_own(file):
    code = cells(file, "code")
    assert code
    for cell in code:
        compile(cell, file.name, "exec")


@pytest.mark.parametrize("file", sorted((ROOT / "examples").glob("*.py")), ids=lambda file: file.stem)
def test_the_cells_of_an_example_are_the_example(file):
    parts = [text for kind, text in the_drawing().paragraphs(file.read_text("utf-8")) if kind == "code"]
    body = ast.parse(file.read_text("utf-8")).body[1:]
    assert ast.dump(ast.parse("\n".join(parts))) == ast.dump(ast.Module(body, []))


def test_a_block_is_never_parted_and_a_comment_becomes_text():
    imports, block, text = (
        "import a\n\nimport b",
        "def f():\n    x = 1\n\n    # how\n    return x",
        'y = """\n\n# no\n"""',
    )
    source = f'"""Title."""\n\n{imports}\n\n# Why.\n{block}\n\n\n{text}\n'
    parts = [("code", imports), ("markdown", "Why."), ("code", block), ("code", text)]
    assert list(the_drawing().paragraphs(source)) == parts


def test_a_saved_figure_is_shown():
    texts = [text for _, text in the_drawing().of_example(ROOT / "examples" / "05_map.py")]
    (saving,) = [number for number, text in enumerate(texts) if ".savefig(" in text]
    assert "display(Image(filename=str(folder / 'map.png'), width=960))" in texts[saving + 1]


def test_an_examples_notebook_runs_cell_after_cell(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for cell in cells(ROOT / "notebooks" / "02_your_own_images.ipynb", "code"):
        exec(cell, names)
    assert "300" in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(topics()))
def test_a_recipes_notebook_runs_it_and_shows_every_picture(name, tmp_path, monkeypatch, capsys, shown):
    asked = SimpleNamespace()

    def run_recipe(name: str, *, quick: bool, out: Path, resume: bool) -> RecipeResult:
        vars(asked).update(name=name, quick=quick, out=out, resume=resume)
        (tmp_path / "pictures").mkdir()
        for picture in ("one", "two"):
            Image.new("L", (4, 4)).save(tmp_path / "pictures" / f"{picture}.png")
        record = RecipeRecord(
            name, 0, quick, {}, data_hash="", seconds=1.0, metrics={"share": 2.0}, expected={"share": (0.25, 0.5)},
            says="Two.",
        )  # fmt: skip
        return RecipeResult(tmp_path, record)

    monkeypatch.setattr(headstart, "run_recipe", run_recipe, raising=False)
    names: dict[str, object] = {}
    for cell in cells(ROOT / "notebooks" / f"{name}.ipynb", "code"):
        exec(cell, names)
    assert (asked.name, asked.quick, asked.resume) == (name, True, True)
    assert "0.250 to 0.500, missed" in capsys.readouterr().out
    assert shown == [str(tmp_path / "pictures" / "one.png"), str(tmp_path / "pictures" / "two.png")]
