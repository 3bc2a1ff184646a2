"""The examples run to their end, where each asserts its own result, without a warning of doubt."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_asserts_its_own_result(file, tmp_path):
    environment = {**os.environ, "PYTHONWARNINGS": "error::UserWarning,error::RuntimeWarning"}
    run = subprocess.run(
        [sys.executable, str(file)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr


def test_examples_are_numbered_without_gaps_and_end_by_asserting():
    assert [file.name[:2] for file in EXAMPLES] == [f"{i:02}" for i in range(1, len(EXAMPLES) + 1)]
    for file in EXAMPLES:
        assert file.read_text("utf-8").rstrip().splitlines()[-1].startswith("assert ")
