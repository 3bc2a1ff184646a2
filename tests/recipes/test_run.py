"""A recipe says what it expects before it runs, keeps what it finished, and writes numbers, pictures and a page."""

import json
from dataclasses import replace

import numpy as np
import pytest

from headstart.cli import main
from headstart.errors import UserError
from headstart.recipes import run as runs
from headstart.recipes.catalogue import find_recipe, topics
from headstart.recipes.run import RecipeResult, run_recipe
from headstart.recipes.work import Found, Work
from headstart.report.elements import prose, section

NAMES = sorted(topics())


@pytest.fixture
def toy(monkeypatch):
    """A recipe of two parts, each of which notes that it ran; it fails after the first while ``broken`` is set."""
    state = {"ran": [], "broken": False}

    def part(name: str) -> dict[str, float]:
        state["ran"].append(name)
        return {"value": 0.25}

    def run(work: Work, *, networks: int = 3) -> Found:
        digits = work.load("digits")
        first = work.part("first", lambda: part("first"))
        if state["broken"]:
            raise KeyboardInterrupt
        work.part("second", lambda: part("second"))
        sheet = work.images("digits", digits.images[None, :4] / 255, "Four digits")
        metrics = {"share": float(first["value"]), "networks": networks}
        return Found(metrics, "A quarter.", [section("digits", "Digits", prose("Four."), sheet)])

    recipe = replace(
        find_recipe(NAMES[0]), name="toy", expected={"share": (0.5, 1)}, quick={"share": (0, 0.5)}, run=run
    )
    monkeypatch.setattr(runs, "find_recipe", lambda name: recipe)
    return state


def test_results_hold_the_numbers_and_the_ranges_that_were_stated_before(toy, tmp_path, capsys):
    result = run_recipe("toy", quick=True, out=tmp_path / "out")
    said = capsys.readouterr().out
    assert "share: 0 to 0.500" in said, "what to expect is printed before anything is known"
    kept = json.loads((tmp_path / "out" / "results.json").read_text("utf-8"))
    assert {"recipe", "seed", "data_hash", "quick", "seconds", "metrics", "expected"} <= set(kept)
    assert kept["metrics"] == {"share": 0.25, "networks": 3.0}
    assert kept["expected"] == {"share": [0, 0.5]}
    assert result.missed == []
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert page.index("A quarter.") < page.index("Four digits")
    assert (tmp_path / "out" / "pictures" / "digits.png").is_file()
    assert not (tmp_path / "out" / "parts").exists(), "what only resuming needs is gone"


def test_a_number_outside_its_range_is_said_to_be_missed(toy, tmp_path):
    result = run_recipe("toy", out=tmp_path / "out")
    assert result.missed == ["share"]
    assert "1 of 1 numbers missed their range: share" in str(result)
    assert "0.500 to 1, missed" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_an_interrupted_recipe_goes_on_where_it_was(toy, tmp_path):
    toy["broken"] = True
    with pytest.raises(KeyboardInterrupt):
        run_recipe("toy", out=tmp_path / "out")
    toy["broken"] = False
    with pytest.raises(UserError, match="--resume"):
        run_recipe("toy", out=tmp_path / "out")
    run_recipe("toy", out=tmp_path / "out", resume=True)
    assert toy["ran"] == ["first", "second"], "what was finished is not computed again"


def test_a_run_goes_on_only_with_what_it_began_with(toy, tmp_path):
    toy["broken"] = True
    with pytest.raises(KeyboardInterrupt):
        run_recipe("toy", out=tmp_path / "out")
    with pytest.raises(UserError, match="another seed"):
        run_recipe("toy", seed=1, out=tmp_path / "out", resume=True)


def test_a_finished_result_is_given_again_but_not_for_another_question(toy, tmp_path):
    first = run_recipe("toy", out=tmp_path / "out")
    again = run_recipe("toy", out=tmp_path / "out")
    assert again.record == first.record
    assert toy["ran"] == ["first", "second"]
    with pytest.raises(UserError, match="another quick"):
        run_recipe("toy", quick=True, out=tmp_path / "out")


def test_an_option_that_a_recipe_does_not_take_is_refused_before_anything_is_written(toy, tmp_path):
    with pytest.raises(UserError, match="no --faithful: it takes --networks"):
        run_recipe("toy", faithful=True, out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_command_alone_lists_every_recipe_with_its_topic(capsys):
    assert main(["recipe"]) == 0
    said = capsys.readouterr().out
    assert all(f"{name}  ({topic})" in said for name, (topic, _) in topics().items())


def test_a_misspelt_recipe_gets_one_line(capsys):
    assert main(["recipe", NAMES[0][:-1]]) == 2
    assert capsys.readouterr().err == f"headstart: unknown recipe {NAMES[0][:-1]!r}: did you mean {NAMES[0]!r}?\n"


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_states_the_same_numbers_in_both_forms(name):
    recipe = find_recipe(name)
    assert recipe.topic
    assert recipe.story
    assert set(recipe.quick) == set(recipe.expected)
    assert all(low <= high for ranges in (recipe.expected, recipe.quick) for low, high in ranges.values())


def test_a_part_keeps_arrays_exactly(tmp_path):
    work, value = Work(tmp_path, True, 0), np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    work.part("one", lambda: {"value": value})
    again = Work(tmp_path, True, 0).part("one", lambda: {"value": value * 0})
    assert (again["value"] == value).all()
    assert again["value"].dtype == np.float32


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda kept: kept.pop("seconds"), "results.json.seconds is missing"),
        (lambda kept: kept["metrics"].update(share="x"), "results.json.metrics.share is 'x': wanted a number"),
    ],
)
def test_results_of_another_kind_are_refused_in_a_line_that_names_the_field(toy, tmp_path, change, said):
    result = run_recipe("toy", out=tmp_path / "out")
    assert RecipeResult.read(tmp_path / "out") == result
    kept = json.loads((tmp_path / "out" / "results.json").read_text("utf-8"))
    change(kept)
    (tmp_path / "out" / "results.json").write_text(json.dumps(kept), "utf-8")
    with pytest.raises(UserError, match=f"^{said}$"):
        run_recipe("toy", out=tmp_path / "out")
