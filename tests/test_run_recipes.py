"""The nightly run of all recipes fails on a recipe that breaks, is slow or misses a range, and says which."""

import importlib.util
from pathlib import Path

import pytest

import headstart
from headstart.recipes.run import RecipeRecord, RecipeResult

ROOT = Path(__file__).parents[1]


@pytest.fixture
def nightly(monkeypatch, tmp_path):
    """The target with three recipes of our own; each is a value for its one metric, its seconds, or an error."""
    spec = importlib.util.spec_from_file_location("run_recipes", ROOT / "docs" / "run_recipes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    recipes = {name: {"value": 0.4, "seconds": 100.0} for name in ("first", "second", "third")}

    def run_recipe(name: str, *, quick: bool, out: Path, resume: bool) -> RecipeResult:
        assert quick
        assert resume
        if "error" in recipes[name]:
            raise recipes[name]["error"]
        record = RecipeRecord(
            name, 0, True, {}, data_hash="", seconds=recipes[name]["seconds"], says=f"The {name}.",
            metrics={"share": recipes[name]["value"]}, expected={"share": (0.0, 0.5)},
        )  # fmt: skip
        return RecipeResult(out, record)

    monkeypatch.setenv("HEADSTART_DATA", str(tmp_path))
    monkeypatch.setattr(module, "topics", lambda: dict.fromkeys(recipes))
    monkeypatch.setattr(headstart, "run_recipe", run_recipe, raising=False)
    return lambda **changes: (
        [recipes[name].update(change) for name, change in changes.items()],
        module.main(str(tmp_path)),
    )[1]


def test_all_in_range_and_in_time_is_fine(nightly, capsys):
    assert nightly() == 0
    said = capsys.readouterr().out
    assert [f"The {name}." in said for name in ("first", "second", "third")] == [True] * 3
    assert "all took 300 s" in said


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"value": 0.6}, "second: share missed its range"),
        ({"seconds": 181.0}, "second took 181 s, wanted at most 180"),
        ({"error": ZeroDivisionError("by zero")}, "second failed: ZeroDivisionError: by zero"),
        ({"seconds": 701.0}, "all took 901 s, wanted at most 900"),
    ],
    ids=["missed", "slow", "broken", "all slow"],
)
def test_one_that_is_wrong_is_named_and_the_others_still_run(nightly, capsys, change, complaint):
    assert nightly(second=change) == 1
    said = capsys.readouterr().out
    assert complaint in said
    assert "The third." in said


def test_without_real_data_it_says_so_in_one_line(nightly, capsys, monkeypatch):
    monkeypatch.delenv("HEADSTART_DATA")
    assert nightly() == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
