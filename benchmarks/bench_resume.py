"""Does a study that is killed three times end in the same numbers? One run in peace, one killed and resumed.

Run: ``python benchmarks/bench_resume.py [SOURCE] [--moments 0.2 0.5 0.8]``: kill -9 to the whole process group at these
shares of the undisturbed run's time, resuming in between; prints what differs, and exits with 1 where something does.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

APPROACHES = "svm-pixels,supervised,autoencoder+probe,simclr+probe,simclr+finetune"


def start(source: str, out: Path) -> subprocess.Popen:
    """The study, in a process group of its own."""
    words = ["study", source, "--budgets", "10,all", "--approaches", APPROACHES, "--out", str(out), "--resume"]
    command = [sys.executable, "-m", "headstart", *words]
    return subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def numbers(out: Path) -> dict:
    """results.json without what may differ: seconds, and the folder's name in the command."""

    def timeless(value):
        if isinstance(value, dict):
            return {k: timeless(v) for k, v in value.items() if "seconds" not in k}
        return [timeless(v) for v in value] if isinstance(value, list) else value

    return timeless(json.loads((out / "results.json").read_text("utf-8").replace(str(out), "OUT")))


def differences(a, b, place: str = "") -> Iterator[str]:
    """Where two results differ, and by what."""
    if isinstance(a, dict):
        for key in a:
            yield from differences(a[key], b.get(key), f"{place}.{key}")
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from differences(x, y, f"{place}[{i}]")
    elif a != b:
        yield f"{place}: {a} and {b}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", nargs="?", default="digits")
    parser.add_argument("--moments", type=float, nargs="*", default=[0.2, 0.5, 0.8])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        peace, killed = Path(folder) / "peace", Path(folder) / "killed"
        started = time.monotonic()
        assert start(chosen.source, peace).wait() == 0
        whole, before = time.monotonic() - started, 0.0
        for moment in chosen.moments:
            running = start(chosen.source, killed)
            time.sleep(whole * (moment - before))
            done = running.poll()
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
            print(
                f"killed after {whole * (moment - before):.0f} s, at {moment:.0%} of {whole:.0f} s; done before: {done}"
            )
            before = moment
        assert start(chosen.source, killed).wait() == 0
        a, b = numbers(peace), numbers(killed)
        different = list(differences(a, b))
        csv = (peace / "predictions.csv").read_bytes() == (killed / "predictions.csv").read_bytes()
        print(json.dumps({"keys": len(a), "different": different, "same_predictions": csv}))
        sys.exit(1 if different or not csv else 0)


if __name__ == "__main__":
    main()
