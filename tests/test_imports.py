"""Importing costs nothing, and the core never needs the packages of an extra."""

import json
import subprocess
import sys

import pytest

VERBS = ["study", "pretrain", "embed", "probe", "predict", "data", "methods"]
EXTRAS = {"torchvision", "timm", "lightly", "tifffile"}


def loaded_after(code: str, cwd=None) -> set[str]:
    """The top-level packages that a fresh interpreter has loaded after this code."""
    report = "import json, sys; print('\\n' + json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=False, cwd=cwd
    )
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stdout.splitlines()[-1]))


def calling(*words: str) -> str:
    return f"from headstart.cli import main; assert main({list(words)!r}) == 0"


def test_importing_headstart_loads_no_dependency():
    assert loaded_after("import headstart").isdisjoint({"torch", "numpy", "sklearn", *EXTRAS})


def test_every_public_name_exists_and_none_is_a_folder():
    code = """
import headstart
from pathlib import Path
folders = {p.name for p in Path(headstart.__file__).parent.iterdir() if p.is_dir()}
assert not folders & set(headstart.__all__), folders & set(headstart.__all__)
assert headstart.__all__ == sorted(headstart.__all__)
for name in headstart.__all__:
    assert getattr(headstart, name).__name__ == name
"""
    assert loaded_after(code).isdisjoint(EXTRAS)


@pytest.mark.parametrize("words", [[], ["--help"], ["--version"], ["methods"]], ids=str)
def test_the_overview_loads_no_torch(words):
    assert loaded_after(calling(*words)).isdisjoint({"torch", "sklearn", *EXTRAS})


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb_loads_no_torch(verb):
    assert loaded_after(calling(verb, "--help")).isdisjoint({"torch", "sklearn", *EXTRAS})


def test_describing_data_loads_no_torch():
    assert loaded_after(calling("data", "digits")).isdisjoint({"torch", *EXTRAS})


@pytest.mark.slow
def test_a_whole_study_loads_no_extra(desk):
    toy = ["--approaches", "linear-pixels,autoencoder+probe", "--budgets", "5", "--folds", "4"]
    code = calling("study", "data.npz", *toy, "--repeats", "1")
    assert loaded_after(code, cwd=desk).isdisjoint(EXTRAS)
