"""The command line says what went wrong in one line, and passes on exactly what was typed."""

import inspect
import subprocess
import sys
import time
from pathlib import Path, PosixPath
from typing import Any, Literal

import numpy as np
import pytest

import headstart
from headstart import cli
from headstart.commands.predict import SHOWN
from headstart.errors import UserError
from headstart.objectives.catalogue import methods
from headstart.reuse.predict import Prediction

VERBS = cli.VERBS


def toy(
    source: Any,
    *,
    budgets: str | None = None,
    approaches: str | None = None,
    saw: Literal["unlabelled", "all"] | None = None,
    folds: int | None = None,
    learning_rate: float = 0.1,
    time_budget: str | None = None,
    out: Path | None = None,
    resume: bool = False,
) -> dict[str, Any]:
    """Say what was given.

    Args:
        source: Where from.
        budgets: How many.
        saw: What was seen.
        learning_rate: How fast.
    """
    return locals()


def toy_many(bundle: Path, *sources: str, out: Path | None = None) -> list[Any]:
    """Say which were given."""
    return [bundle, *sources]


@pytest.fixture(autouse=True)
def toy_verbs(monkeypatch):
    toys = {"toy": toy, "many": toy_many}
    real = cli.verb
    monkeypatch.setattr(cli, "verb", lambda name: toys.get(name) or real(name))
    monkeypatch.setattr(cli, "VERBS", (*cli.VERBS, *toys))
    return toys


def given(capsys, *words: str) -> Any:
    assert cli.main(words) == 0
    return eval(capsys.readouterr().out, {"PosixPath": PosixPath})


def complaint(capsys, *words: str) -> str:
    assert cli.main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("headstart: ")
    return said.err


@pytest.mark.parametrize(
    "text", ["5", "5,10,all", "none", "null", "None", "true", "1e3", "10m", "2024-01-01", "[1]", "a: b"]
)
def test_a_text_option_arrives_as_it_was_typed(capsys, text):
    assert given(capsys, "toy", "x", "--budgets", text)["budgets"] == text


@pytest.mark.parametrize("text", ["123", "null", "1.npz", "true", "{}"])
def test_a_source_arrives_as_it_was_typed(capsys, text):
    assert given(capsys, "toy", text)["source"] == text


def test_what_is_not_given_has_the_default_of_the_signature(capsys):
    defaults = {"budgets": None, "approaches": None, "saw": None, "folds": None, "learning_rate": 0.1}
    assert given(capsys, "toy", "x") == {**defaults, "source": "x", "time_budget": None, "out": None, "resume": False}


def test_numbers_paths_and_flags_have_their_types(capsys):
    values = given(capsys, "toy", "x", "--folds", "4", "--learning-rate", "1e-3", "--out", "1.npz", "--resume")
    assert (values["folds"], values["learning_rate"], values["out"], values["resume"]) == (
        4,
        0.001,
        Path("1.npz"),
        True,
    )


@pytest.mark.parametrize("words", [["--time-budget", "7"], ["--time_budget", "7"], ["--time_budget=7"]])
def test_underscores_are_dashes(capsys, words):
    assert given(capsys, "toy", "x", *words)["time_budget"] == "7"


@pytest.mark.parametrize("words", [["--saw", "unlabeled"], ["--saw=unlabeled"], ["--saw", "unlabelled"]])
def test_both_spellings_of_unlabelled_are_understood(capsys, words):
    values = given(capsys, "toy", "unlabeled", *words)
    assert (values["saw"], values["source"]) == ("unlabelled", "unlabeled")


@pytest.mark.parametrize("word", ["--optimizer=muon", "--optimiser=muon"])
def test_both_spellings_of_optimiser_are_understood(word):
    assert cli._spelled([word]) == ["--optimiser=muon"]


def test_many_sources_follow_the_bundle(capsys):
    assert given(capsys, "many", "b", "1.png", "2") == [Path("b"), "1.png", "2"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["stduy"], "unknown verb 'stduy': did you mean 'study'?"),
        (["--verson"], "did you mean '--version'?"),
        (["toy", "x", "--budgts", "5"], "unknown option '--budgts': did you mean '--budgets'?"),
        (["toy", "x", "--bud", "5"], "unknown option '--bud'"),
        (["toy", "x", "--config", "5"], "unknown option '--config'"),
        (["toy", "x", "--folds", "four"], "--folds four: wanted a whole number"),
        (["toy", "x", "--folds", "4.5"], "--folds 4.5: wanted a whole number"),
        (["toy", "x", "--learning-rate", "fast"], "--learning-rate fast: wanted a number"),
        (["toy", "x", "--saw", "none"], "--saw none: wanted one of unlabelled, all"),
        (["toy", "x", "--budgets"], "--budgets: expected one argument"),
        (["toy"], "required: source"),
        (["toy", "x", "y"], "unrecognized arguments: y"),
        (["many", "b"], "required: sources"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(capsys, words, expected):
    assert expected in complaint(capsys, *words)


def test_a_user_error_of_a_verb_is_one_line_and_exit_code_2(capsys, toy_verbs):
    def refuse(source: str) -> None:
        raise UserError(f"{source} is empty")

    toy_verbs["toy"] = refuse
    assert complaint(capsys, "toy", "x") == "headstart: x is empty\n"


def test_an_interrupt_is_one_line_and_exit_code_130(capsys, toy_verbs):
    def interrupt(source: str) -> None:
        raise KeyboardInterrupt

    toy_verbs["toy"] = interrupt
    assert cli.main(["toy", "x"]) == 130
    assert capsys.readouterr().err == "headstart: interrupted\n"


@pytest.mark.parametrize("verb", [name for name in VERBS if name != "methods"])
def test_every_parameter_of_every_verb_is_explained(capsys, verb):
    assert cli.main([verb, "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for parameter in inspect.signature(cli.verb(verb)).parameters.values():
        word = f"--{parameter.name.replace('_', '-')}" if parameter.kind is parameter.KEYWORD_ONLY else None
        assert (word or parameter.name.upper().removesuffix("S")) in text
    for clutter in ("null", "type:", "Optional", "--config", "print_config", "print_completion"):
        assert clutter not in text


def test_help_lists_every_verb_with_its_sentence_and_version_says_the_version(capsys, monkeypatch):
    monkeypatch.setattr(cli, "VERBS", VERBS)
    assert cli.main([]) == cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"  {verb} " in text for verb in VERBS)
    assert "  doctor    is a run any good?" in text
    files = {f.stem for f in (Path(headstart.__file__).parent / "commands").glob("*.py")} - {"__init__"}
    assert files == set(VERBS)
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"headstart {headstart.__version__}\n"


def test_methods_are_listed_with_their_sentences(capsys):
    assert cli.main(["methods"]) == 0
    lines = capsys.readouterr().out.splitlines()
    listed = lines[: lines.index("")]
    assert [line.split()[0] for line in listed] == list(methods())
    assert all(line.endswith(sentence) for line, sentence in zip(listed, methods().values(), strict=True))
    assert "greedy:METHOD" in lines[-1]


def test_a_reader_that_stops_early_is_no_error():
    shell = f"{sys.executable} -m headstart study --help | true; exit ${{PIPESTATUS[0]}}"
    run = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


def printed(capsys, *words: str) -> str:
    assert cli.main(words) == 0
    return capsys.readouterr().out.rstrip()


def test_many_predictions_are_cut_to_a_screen_and_say_so(capsys, monkeypatch):
    rows = [Prediction(f"{i}.png", 1, "round", 0.5) for i in range(50)]
    monkeypatch.setattr("headstart.reuse.predict.predict", lambda *_, **__: rows)
    lines = printed(capsys, "predict", "bundle", "new").splitlines()
    assert len(lines) == SHOWN + 2
    assert lines[-1].startswith("… and 30 more: --out")


def test_python_m_headstart_is_the_same_command():
    run = subprocess.run([sys.executable, "-m", "headstart", "stdy"], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "headstart: unknown verb 'stdy': did you mean 'study'?\n"


def test_help_comes_within_a_second():
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "headstart", "study", "--help"], capture_output=True, check=True)
    assert time.perf_counter() - start < 1


def test_predictions_and_vectors_read_as_tables_and_sentences(capsys, monkeypatch):
    rows = [Prediction("a.png", 1, "round", 0.5)]
    monkeypatch.setattr("headstart.reuse.predict.predict", lambda *_, **__: rows)
    assert printed(capsys, "predict", "b", "new") == "id     class  confidence\na.png  round  0.500"
    assert printed(capsys, "predict", "b", "new", "--out", "p.csv") == "1 predictions, least certain first, in p.csv"
    monkeypatch.setattr("headstart.representation.bundle.load_bundle", lambda _: None)
    monkeypatch.setattr("headstart.representation.embed.embed", lambda *_, **__: np.zeros((3, 8)))
    assert printed(capsys, "embed", "b", "digits", "--out", "z.parquet") == "3 vectors of width 8, in z.parquet"
    assert printed(capsys, "embed", "b", "digits").endswith("kept nowhere: --out z.parquet writes them")
