"""torchrun with two processes writes what one process writes."""

import subprocess
import sys

import pytest

from headstart.cli import main
from headstart.training.log import read_log


@pytest.mark.slow
@pytest.mark.parametrize("method", ["moco", "dino"])  # a queue, and a centre, that all processes must keep alike
def test_two_launched_processes_give_the_log_of_one_and_write_it_once(method, tmp_path, capfd):
    words = ["pretrain", "digits", "--precision", "float64", "--epochs", "1", "--method", method, "--device", "cpu"]
    assert main([*words, "--out", str(tmp_path / "one")]) == 0
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--rdzv-backend", "c10d"]
    launch += ["--rdzv-endpoint", "127.0.0.1:0", "-m", "headstart"]
    done = subprocess.run([*launch, *words, "--out", str(tmp_path / "two")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("small by") == 1
    one, two = (read_log(tmp_path / name / "log.csv") for name in ("one", "two"))
    assert [row["loss"] for row in two] == pytest.approx([row["loss"] for row in one], rel=1e-6)
