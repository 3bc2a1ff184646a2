"""A study that was killed goes on to the results of one that was not, and leaves no process behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

SCRIPT = """
import headstart.study.pool as pool
import headstart.report.page as page
from headstart import cli
import sys
pool.INLINE_SECONDS = 0.0  # workers, however small the work
page.write_report = lambda findings, path: path.write_text("a page")
sys.exit(cli.main(sys.argv[1:]))
"""
WORDS = ["--approaches", "majority,svm-pixels,untrained+probe,autoencoder+probe", "--budgets", "all",
         "--folds", "4", "--repeats", "1", "--encoders", "4"]  # fmt: skip


def begin(source, out, *more):
    words = [sys.executable, "-c", SCRIPT, "study", str(source), *WORDS, "--out", str(out), *more]
    beside_others = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}  # two threads that wait leave the cores to other tests
    with Path(f"{out}.err").open("w") as said:
        return subprocess.Popen(
            words, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True, env=beside_others
        )


def workers(out):
    """Processes that work in the folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            line = (place / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if "headstart.study.worker" in line and str(out) in line:
            found.append(int(place.name))
    return found


def wait_for(fact, seconds):
    end = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def timeless(out):
    results = json.loads((out / "results.json").read_text())
    return {**results, "approaches": [{**a, "seconds": 0} for a in results["approaches"]]}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks for processes in /proc")
def test_a_study_that_was_killed_goes_on_to_the_same_results(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (100, 16, 16), dtype=np.uint8)
    np.savez(tmp_path / "data.npz", labelled=images[:60], labels=np.arange(60) % 3, unlabelled=images[60:])
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert begin(tmp_path / "data.npz", whole).wait(150) == 0

    partial = tmp_path / "cut.partial"
    first = begin(tmp_path / "data.npz", cut)
    wait_for(lambda: len(list(partial.rglob("done.safetensors"))) >= 2, 100)
    os.kill(first.pid, signal.SIGKILL)  # the parent alone
    first.wait()
    wait_for(lambda: not workers(partial), 20)
    done = len(list(partial.rglob("done.safetensors")))

    second = begin(tmp_path / "data.npz", cut, "--resume")
    wait_for(lambda: len(list(partial.rglob("done.safetensors"))) > done, 100)
    os.killpg(second.pid, signal.SIGKILL)  # everything at once
    second.wait()

    assert begin(tmp_path / "data.npz", cut, "--resume").wait(150) == 0
    assert not partial.exists()
    assert timeless(cut) == timeless(whole)
    assert (cut / "predictions.csv").read_bytes() == (whole / "predictions.csv").read_bytes()
