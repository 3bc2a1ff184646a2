"""The Makefile makes its environment once, says in one line what it lacks, and is what continuous integration calls."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def clone(tmp_path) -> Path:
    """The files that make reads, in a folder without an environment."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *words], cwd=folder, capture_output=True, text=True, check=False)


def python_that_answers(folder: Path, version: str, code: int) -> Path:
    file = folder / "python-of-old"
    file.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo "Python {version}"; else exit {code}; fi\n')
    file.chmod(0o755)
    return file


def test_a_python_that_is_too_old_is_named_with_its_version(clone):
    run = make(clone, "demo", f"PYTHON={python_that_answers(clone, '3.9.1', 1)}")
    said = run.stderr.splitlines()[0]
    assert run.returncode != 0
    assert "needs Python 3.11 or newer" in said
    assert "Python 3.9.1" in said
    assert "make demo PYTHON=" in said
    assert not (clone / ".venv").exists()


def test_a_python_that_does_not_exist_is_named(clone):
    run = make(clone, "demo", "PYTHON=no-such-python")
    assert run.returncode != 0
    assert "there is no 'no-such-python'" in run.stderr.splitlines()[0]


def stamped(folder: Path, *stamps: str) -> None:
    (folder / ".venv" / "bin").mkdir(parents=True, exist_ok=True)
    for name in ("bin/python", *stamps):
        (folder / ".venv" / name).touch()


@pytest.mark.parametrize(("target", "stamps"), [("demo", ["core.stamp"]), ("check", ["core.stamp", "all.stamp"])])
def test_a_second_call_installs_nothing(clone, target, stamps):
    stamped(clone, *stamps)
    assert "pip" not in make(clone, "--dry-run", target).stdout


def test_a_test_after_a_demo_adds_the_extras_only(clone):
    stamped(clone, "core.stamp")
    installs = [line for line in make(clone, "--dry-run", "check").stdout.splitlines() if "pip install" in line]
    assert [line.rpartition(" ")[2] for line in installs] == ["'.[all]'"]


def test_a_changed_pin_installs_again(clone):
    stamped(clone, "core.stamp")
    os.utime(clone / "constraints.txt", (2**32, 2**32))
    assert "pip install" in make(clone, "--dry-run", "demo").stdout


def test_continuous_integration_calls_the_test_command_of_the_readme():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text("utf-8").rstrip().endswith("exec make test")
    assert "`make test`" in (ROOT / "README.md").read_text("utf-8")


def test_every_core_dependency_is_pinned_to_a_version_and_to_no_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = [line for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    pinned = {_key(line.partition("==")[0]) for line in lines}
    assert [
        name for need in project["dependencies"] if (name := _key(re.split(r"[^\w-]", need)[0])) not in pinned
    ] == []


def _key(name: str) -> str:
    return name.lower().replace("_", "-")
