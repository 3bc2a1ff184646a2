"""How much memory a stored set takes: pretraining and embedding larger sets than fit, and a study's workers.

`python benchmarks/bench_memory.py [--small]` prints peak resident memory in MB of each case above that of
`import headstart, torch`, in a process of its own, with what the case may take; page cache of mapped files is not
counted. `--small` is a tenth of every size.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

MB = 1 << 20
CASES = {
    "pretrain, 117 MB of uint8, before the first step": ("first_step", 38_000, "in memory"),
    "pretrain, 300 steps, mapped": ("pretrain_steps", 1_000_000, "mapped"),
    "embed, mapped": ("embed_all", 1_000_000, "mapped"),
    "pretrain, 300 steps, 100,000 made from their index": ("pretrain_steps", 100_000, "virtual"),
    "pretrain, 300 steps, 10,000,000 made from their index": ("pretrain_steps", 10_000_000, "virtual"),
    "study, 1,000 classes, three approaches, all processes": ("study", 100_000, "mapped"),
}


class Made:
    """Images of 32×32×3 that are made from their index, so that any number of them takes no memory."""

    shape, dtype = (32, 32, 3), np.dtype(np.uint8)

    def __init__(self, n: int) -> None:
        self.n = n
        self.pattern = np.random.default_rng(0).integers(0, 256, (4096, 32, 32, 3), np.uint8)

    def __len__(self) -> int:
        return self.n

    def read(self, rows: np.ndarray | slice, size: tuple[int, int] | None = None) -> np.ndarray:
        """(m, 32, 32, 3): one of 4,096 pictures, turned by its index."""
        places = np.arange(*rows.indices(self.n)) if isinstance(rows, slice) else rows
        return self.pattern[places % 4096] ^ (places // 4096 % 256).astype(np.uint8)[:, None, None, None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--case", nargs=3)
    given = parser.parse_args()
    if given.case:
        print(json.dumps(measured(*given.case)))
        return
    with tempfile.TemporaryDirectory(dir=".") as place:
        for words, (what, n, kind) in CASES.items():
            n = n // 10 if given.small else n
            file = Path(place) / f"{n}.npy"
            if kind != "virtual" and not file.is_file():
                write(file, n)
            told = subprocess.run(
                [sys.executable, __file__, "--case", what, str(n), str(file) if kind != "virtual" else ""],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            print(f"{words}: {json.loads(told.stdout.splitlines()[-1])}", flush=True)


def write(file: Path, n: int) -> None:
    """An .npy file of n random images."""
    stored = np.lib.format.open_memmap(file, "w+", np.uint8, (n, 32, 32, 3))
    made = Made(n)
    for start in range(0, n, 10_000):
        stored[start : start + 10_000] = made.read(np.arange(start, min(start + 10_000, n)))
    stored.flush()


def resident() -> int:
    """Bytes of memory of this process and those that it started, without what is mapped from files."""
    found: dict[int, tuple[int, int]] = {}
    for place in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in place.read_text().splitlines() if ":" in line)
        except OSError:  # it has ended
            continue
        found[int(place.parent.name)] = int(fields["PPid"]), int(fields.get("RssAnon", "0").split()[0]) * 1024
    own, more = set[int](), {os.getpid()}
    while more:
        own |= more
        more = {pid for pid, (parent, _) in found.items() if parent in own} - own
    return sum(found[pid][1] for pid in own if pid in found)


def measured(what: str, n: str, file: str) -> dict[str, float]:
    """Peak MB above the imports, and seconds of all, and of an image that is trained on or embedded."""
    import threading

    import torch

    import headstart

    torch.set_num_threads(2)
    before, peak, done = resident(), [0], threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], resident())

    watcher = threading.Thread(target=look)
    watcher.start()
    started = time.monotonic()
    cases = {"first_step": first_step, "pretrain_steps": pretrain_steps, "embed_all": embed_all, "study": study}
    of_an_image = cases[what](headstart, int(n), file)
    seconds = time.monotonic() - started
    done.set()
    watcher.join()
    told = {"peak MB": round((peak[0] - before) / MB), "seconds": round(seconds, 1)}
    return told if of_an_image is None else {**told, "µs an image": round(1e6 * of_an_image)}


def source(n: int, file: str) -> object:
    """The data set of a case."""
    from headstart.data.dataset import Dataset

    return file or Dataset(Made(n))


def first_step(headstart, n: int, file: str) -> None:
    """Everything that pretraining does before its first step, with the set in memory."""
    from headstart.training import loop

    class ReachedError(Exception):
        pass

    def stop(self: object) -> None:
        raise ReachedError

    loop._Loop.go = stop
    try:
        headstart.pretrain(np.load(file), run=headstart.Run(Path(tempfile.mkdtemp()) / "x"))
    except ReachedError:
        return
    raise AssertionError("it trained")


def pretrain_steps(headstart, n: int, file: str) -> float:
    """300 steps of SimCLR, of which those after the first 20 are timed."""
    from headstart.training import loop

    real, one_step, times = loop._Loop.__init__, loop._Loop._one_step, []

    def short(self, *given) -> None:
        real(self, *given)
        self.total = min(self.total, 300)

    def timed(self) -> object:
        times.append(time.monotonic())
        return one_step(self)

    loop._Loop.__init__, loop._Loop._one_step = short, timed
    bundle = headstart.pretrain(source(n, file), run=headstart.Run(Path(tempfile.mkdtemp()) / "x"))
    return (times[-1] - times[20]) / (len(times) - 21) / bundle.card.method.recipe.batch_size


def embed_all(headstart, n: int, file: str) -> float:
    """Every image's vector, written by parts."""
    from headstart.data.pixels import Pixels
    from headstart.representation.bundle import Bundle
    from headstart.training.fit import encoder_spec, untrained_encoder
    from headstart.training.training_set import TrainingSet

    some = np.load(file, mmap_mode="r")[:1000]
    pixels = Pixels.fit(np.array(some))
    spec = encoder_spec("small", TrainingSet.prepared_by(pixels, headstart.load(np.array(some)).inputs))
    bundle = Bundle(untrained_encoder(spec, seed=0), spec, pixels)
    started = time.monotonic()
    headstart.embed(bundle, file, out=Path(tempfile.mkdtemp()) / "z.parquet")
    return (time.monotonic() - started) / n


def study(headstart, n: int, file: str) -> None:
    """A tenth of the images labelled, 1,000 classes (a hundred of a tenth of the images), one label of each used."""
    labels = np.full(n, -1)
    labels[: n // 10] = np.arange(n // 10) % (n // 100)
    images = np.load(file, mmap_mode="r")
    headstart.run_study(
        headstart.Dataset(images, labels), approaches=["knn-pixels", "untrained+probe", "simclr+probe"],
        protocol=headstart.Protocol(budgets="1", saw="all", folds=4, repeats=1),
        run=headstart.Run(Path(tempfile.mkdtemp()) / "x"),
    )  # fmt: skip


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    main()
