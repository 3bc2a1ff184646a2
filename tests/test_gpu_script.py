"""The script for a GPU takes the same path on a processor, at toy size."""

import importlib.util
import json
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "gpu.py"


def test_rates_curve_and_checkpoint_are_left_behind_and_a_second_call_goes_on(tmp_path, capsys):
    pytest.importorskip("torchvision")
    spec = importlib.util.spec_from_file_location("gpu", SCRIPT)
    gpu = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gpu)
    gpu.main([str(tmp_path), "--toy", "--epochs", "5"])
    rates = json.loads((tmp_path / "rates.json").read_text())
    assert rates["ours"] > 0
    (row,) = map(json.loads, (tmp_path / "knn.jsonl").read_text().splitlines())
    assert row["epoch"] == 5
    assert 0 <= row["knn"] <= 1
    gpu.main([str(tmp_path), "--toy", "--epochs", "5"])
    assert len((tmp_path / "knn.jsonl").read_text().splitlines()) == 1
