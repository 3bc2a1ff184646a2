"""The README's map and the table of recipes say what the files say."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def the_map():
    spec = importlib.util.spec_from_file_location("draw_map", ROOT / "docs" / "draw_map.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_map_in_the_readme_is_what_the_files_say():
    text = (ROOT / "README.md").read_text("utf-8")
    assert the_map().with_map(text, the_map().drawn()) == text, "the README's map is out of date: make map"


def test_the_table_of_recipes_is_what_the_files_say():
    text = (ROOT / "docs" / "recipes.md").read_text("utf-8")
    assert the_map().with_map(text, the_map().recipes()) == text, "the table of recipes is out of date: make map"


@pytest.mark.parametrize("page", ["README.md", "docs/recipes.md"])
def test_a_page_has_both_markers_once(page):
    text, drawing = (ROOT / page).read_text("utf-8"), the_map()
    assert text.count(drawing.BEGIN) == text.count(drawing.END) == 1


def test_every_file_is_on_the_map():
    drawn = the_map().drawn()
    files = [file for file in (ROOT / "src" / "headstart").rglob("*.py") if file.stem != "__init__"]
    assert [str(file.relative_to(ROOT)) for file in files if f"({file.relative_to(ROOT)}): " not in drawn] == []
