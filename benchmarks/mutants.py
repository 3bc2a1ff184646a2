"""Would the tests notice? One fault at a time is planted in a copy of the package, and its tests run.

`python benchmarks/mutants.py [--jobs 2] [--only TEXT] [--list]` prints a line a fault, then those that survived; the
exit code is 1 where one did without a reason, where a fault no longer applies or breaks the code outright, or where its
tests take over a minute. The faults are in `benchmarks/faults`; how they are written says `faults/fault.py`.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from faults.fault import Fault, StaleError, plant

ROOT = Path(__file__).parents[1]
LISTS = ("objectives", "training", "protocol", "statistics")
SECONDS = 60
BROKEN = r"(NameError|AttributeError|ImportError|UnboundLocalError|SyntaxError)\b"  # no fault: it cannot run


class Verdict(NamedTuple):
    """What became of a fault: noticed, SURVIVED, stale, broken, or slow; by which test or why; after how long."""

    word: str
    why: str
    seconds: float


def every_fault() -> list[Fault]:
    """The faults of all lists."""
    return [fault for name in LISTS for fault in import_module(f"faults.{name}").FAULTS]


def run_tests(tests: Sequence[str], source: Path, root: Path, seconds: float) -> tuple[int | None, str]:
    """pytest's exit code, None where time ran out, and what it said; headstart is imported from ``source``."""
    environment = {**os.environ, "PYTHONPATH": str(source), "OMP_NUM_THREADS": "1", "COLUMNS": "400"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "--tb=no", "-p", "no:cacheprovider", *tests]
    with tempfile.TemporaryFile("w+") as said:
        work = subprocess.Popen(
            command, cwd=root, env=environment, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            code = work.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if work.poll() is None:
                os.killpg(work.pid, signal.SIGKILL)  # with what the tests started
                work.wait()
        said.seek(0)
        return code, said.read()


def judge(fault: Fault, package: Path, root: Path, seconds: float = SECONDS) -> Verdict:
    """Plant the fault in a copy of ``package`` and run its tests, which are below ``root``."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(shutil.copytree(package, Path(folder) / package.name))
        file = copied / fault.file
        try:
            file.write_text(plant(fault, file.read_text("utf-8")), "utf-8")
        except (StaleError, OSError) as error:
            return Verdict("stale", str(error), 0.0)
        code, said = run_tests(fault.tests, Path(folder), root, seconds)
    took = time.monotonic() - start
    failed = re.search(r"^(?:FAILED|ERROR) (.*)", said, re.MULTILINE)
    if code is None:
        return Verdict("slow", f"its tests take over {seconds:.0f} s", took)
    if code == 0:
        return Verdict("SURVIVED", fault.survives, took)
    if code != 1 or failed is None or re.search(BROKEN, failed[1]):
        return Verdict("broken", failed[1] if failed else said[-400:], took)
    return Verdict("noticed", failed[1].partition(" - ")[0].rpartition("::")[2], took)


def check_sound(faults: Sequence[Fault], package: Path, jobs: int) -> None:
    """Without a fault all tests pass, and the package that they import is the copy."""
    where = [sys.executable, "-c", "import headstart; print(headstart.__file__)"]
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    found = subprocess.run(where, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).parent == package, f"{found} is imported, not the copy"
    tests = sorted({test for fault in faults for test in fault.tests})
    parts = [part for i in range(jobs) if (part := tests[i::jobs])]
    with ThreadPoolExecutor(jobs) as pool:
        for code, said in pool.map(lambda part: run_tests(part, package.parent, ROOT, 20 * SECONDS), parts):
            if code != 0:
                sys.exit(f"without a fault the tests do not pass:\n{said}")


def main(words: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=2, help="faults tried at a time")
    parser.add_argument("--only", default="", help="those whose words, file or place hold this text")
    parser.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    asked = parser.parse_args(words)
    faults = [f for f in every_fault() if asked.only.lower() in f"{f.what} {f.file} {f.within}".lower()]
    if asked.list:
        print(*(f"{f.file}: {f.what}" for f in faults), sep="\n")
        return 0
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(asked.jobs) as pool:
        package = Path(shutil.copytree(ROOT / "src" / "headstart", Path(folder) / "headstart"))
        check_sound(faults, package, asked.jobs)
        print(f"without a fault all tests pass ({time.monotonic() - start:.0f} s)", flush=True)
        verdicts = []
        for fault, verdict in zip(faults, pool.map(lambda f: judge(f, package, ROOT), faults), strict=True):
            print(f"{verdict.word:8} {verdict.seconds:4.0f} s  {fault.file}: {fault.what}  [{verdict.why}]", flush=True)
            verdicts.append(verdict)
    others = [(f, v) for f, v in zip(faults, verdicts, strict=True) if v.word != "noticed"]
    print(f"{len(faults)} faults, {len(faults) - len(others)} noticed, in {time.monotonic() - start:.0f} s")
    for fault, verdict in others:
        print(f"{verdict.word}: {fault.what}: {verdict.why or 'without a reason'}")
    return int(any(v.word != "SURVIVED" or not v.why for _, v in others))


if __name__ == "__main__":
    sys.exit(main())
