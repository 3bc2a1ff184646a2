"""What the README shows works: its commands and its Python run here, on toy images and at toy size."""

import re
import shlex
from functools import partial
from pathlib import Path

import pytest

import headstart
from headstart import cli
from headstart.objectives.catalogue import methods
from headstart.training.method import Method

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
TOY_STUDY = {"approaches": "linear-pixels,autoencoder+probe", "budgets": "5", "folds": 4, "repeats": 1}
TOY = {
    "study": [f"--{name}={value}" for name, value in TOY_STUDY.items()],
    "pretrain": ["--epochs=1"],
}


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def commands() -> list[list[str]]:
    lines = [line for block in blocks("bash") for line in block.splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("headstart ")]


@pytest.mark.slow
def test_the_commands_run_one_after_the_other(desk, capsys):
    for verb, *rest in commands():
        fine = {0, 3} if verb == "doctor" else {0}  # a toy run is not healthy
        assert cli.main([verb, *rest, *TOY.get(verb, [])]) in fine, capsys.readouterr().err
    assert {"results.json", "report.html", "predictions.csv", "winner"} <= {
        f.name for f in (desk / "runs/data").iterdir()
    }
    assert (desk / "new.csv").read_text("utf-8").startswith("id,label,class_name,confidence\n")
    assert (desk / "z.parquet").exists()


@pytest.mark.slow
def test_the_python_runs_from_top_to_bottom(desk, capsys, monkeypatch):
    toy = headstart.Protocol(budgets="5", folds=4, repeats=1)
    small = partial(headstart.run_study, approaches=["linear-pixels", "autoencoder+probe"], protocol=toy)
    monkeypatch.setattr(headstart, "run_study", small, raising=False)
    monkeypatch.setattr(
        headstart, "PretrainedTransformer", partial(headstart.PretrainedTransformer, epochs=1), raising=False
    )
    exec("\n".join(blocks("python")), {})
    answer, *_, scores = capsys.readouterr().out.strip().splitlines()
    assert answer.endswith(".")
    assert len(re.findall(r"[01]\.\d*", scores)) == 5


@pytest.mark.slow
def test_a_loss_of_ones_own_is_written_as_the_page_shows(desk, monkeypatch):
    short = partial(headstart.pretrain, recipe=headstart.Recipe(epochs=1))
    monkeypatch.setattr(headstart, "pretrain", short, raising=False)
    (code,) = blocks("python", (ROOT / "docs/training.md").read_text("utf-8"))
    exec(code, {})
    assert "lasso" in (desk / "runs/lasso/log.csv").read_text("utf-8").splitlines()[0]


@pytest.mark.parametrize("method", sorted(methods()))
def test_a_methods_page_names_its_options_and_their_defaults(method):
    pages = [page.read_text("utf-8") for page in (ROOT / "docs").glob("*.md")]
    options = [
        f"{name}={value if isinstance(value, str) else f'{value:g}'}"
        for name, value in Method(method).hyperparameters.items()
    ]
    assert any(f"`{method}`" in text and all(option in text for option in options) for text in pages)


def test_every_command_of_every_document_names_a_verb_and_its_options(capsys):
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for verb, options in re.findall(r"headstart ([a-z]+)\b([^`\n]*)", _code(page.read_text("utf-8"))):
            assert verb in cli.VERBS, f"{page.name}: headstart {verb}"
            assert cli.main([verb, "--help"]) == 0
            text = capsys.readouterr().out
            for option in re.findall(r"--[a-z-]+", options):
                assert f"{option} " in text or f"{option}\n" in text, f"{page.name}: headstart {verb} {option}"


def _code(text: str) -> str:
    """The code in a page: fenced blocks and what stands between backticks."""
    return "\n".join(re.findall(r"```[a-z]*\n(.*?)```", text, flags=re.DOTALL) + re.findall(r"`([^`\n]+)`", text))


def test_every_target_of_the_makefile_that_a_page_names_exists():
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE)
    for page in ["README.md", "CONTRIBUTING.md"]:
        named = re.findall(r"\bmake ([a-z]+)", _code((ROOT / page).read_text("utf-8")))
        assert set(named) <= set(targets)
        assert named


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_link_to_a_file_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text("utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []
