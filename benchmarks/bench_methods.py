"""Does every method work out of the box? Default recipes on real cells, MNIST and Fashion-MNIST.

``python benchmarks/bench_methods.py OUT [--only mnist.simclr]`` goes on where it stopped. Some recipes
were chosen after a look at the real cells; which, and what else chose what, is told in RESULTS.md. Cells: a study with
``--saw all``, 4 folds 5 times, seeds 0 to 2, of the probe on the method's encoder, trained and untrained, with all its
epochs; seconds are the method's own. MNIST and Fashion-MNIST: 10,000 training
images without labels; a probe on 10 labels a class, drawn five times from the same images, tested on all test images
but 1,000 of MNIST's, which judged recipes.
"""

import argparse
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import torch

from headstart.codec import to_json
from headstart.data.dataset import Dataset
from headstart.data.load import load
from headstart.evaluation.statistics import score
from headstart.objectives.catalogue import method_class
from headstart.report.run import run_study
from headstart.representation.pretrain import pretrain
from headstart.reuse.heads import Head
from headstart.study.records import Protocol
from headstart.training.run import Run

METHODS = ["simclr", "moco", "byol", "simsiam", "barlow_twins", "vicreg", "dino", "cpc", "mae"]
SEEDS, DRAWS, PER_CLASS, UNLABELLED = (0, 1, 2), 5, (1, 5, 10, 100), 10_000
WANTED = {
    "mnist": dict.fromkeys(("simclr", "moco", "barlow_twins", "vicreg"), 0.92)
    | {"byol": 0.9, "simsiam": 0.9, "cpc": 0.85}
}


def on_cells(method: str, seed: int, out: Path) -> dict:
    """Mean balanced accuracy of the probe, and its gain over the untrained encoder with the paired interval."""
    found = run_study(
        Path(os.environ["HEADSTART_DATA"]) / "cells/data.npz", approaches=["untrained+probe", f"{method}+probe"],
        protocol=Protocol(saw="all", folds=4, repeats=5, budgets="all", seed=seed), run=Run(out),
        encoder=method_class(method).default_encoder,
    )  # fmt: skip
    assert not found.record.left_out, found.record.left_out  # such as epochs, on a slow machine
    own, untrained = (found.record.approach(f"{name}+probe") for name in (method, "untrained"))
    scores = {name: a.scores["all"].mean for name, a in (("score", own), ("untrained", untrained))}
    gain = found.record.comparison(own.name, "all")
    return {**scores, "gain": to_json(gain), "seconds": round(own.seconds)}


def on_standard(name: str, method: str, folder: Path) -> dict:
    """Accuracy on the test images by labels a class, five draws; ``method`` may be pixels."""
    dataset = load(name)
    rows = np.random.default_rng(1).permutation(60_000)[:UNLABELLED]
    told = np.random.default_rng(0)
    told.permutation(60_000)
    tested = np.setdiff1d(np.arange(10_000), told.permutation(10_000)[:1000] if name == "mnist" else []) + 60_000
    some = Dataset(dataset.images[rows], ids=tuple(str(r) for r in rows), source=dataset.source)
    y, y_test = dataset.labels[rows], dataset.labels[tested]
    if method == "pixels":
        h, h_test = (images.reshape(len(images), -1) / 255.0 for images in (some.images, dataset.images[tested]))
    else:
        bundle = pretrain(some, method=method, run=Run(folder, resume=True))
        h, h_test = (
            bundle.represent(torch.from_numpy(bundle.pixels(images)))
            for images in (some.images, dataset.images[tested])
        )
    found = {}
    for labels in PER_CLASS:
        scores = []
        for draw in range(DRAWS):
            order = np.random.default_rng(draw).permutation(UNLABELLED)
            train = np.concatenate([order[y[order] == k][:labels] for k in range(10)])
            predicted = Head("probe", seed=0).fit(h[train], y[train]).predict(h_test)
            scores.append(score("accuracy", y_test, predicted, list(range(10))))
        found[str(labels)] = [round(s, 4) for s in scores]
    return {"score": float(np.mean(found["10"])), "by_labels": found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", default=Path("runs/bench-methods"), type=Path)
    parser.add_argument("--only", default="", help="how DATA.METHOD.SEED begins")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    kept = chosen.out / "methods.jsonl"
    done = {json.loads(line)["key"] for line in kept.open()} if kept.exists() else set()
    keys = [f"cells.{method}.{seed}" for seed in SEEDS for method in METHODS]
    keys += [f"{name}.{method}.0" for name in ("mnist", "fashion-mnist") for method in ["pixels", *METHODS]]
    for key in keys:
        if key in done or not key.startswith(chosen.only):
            continue
        data, method, seed = key.split(".")
        started, folder = time.monotonic(), chosen.out / key
        for begun in (folder, folder.with_name(folder.name + ".partial")):  # so that the seconds are those of one go
            shutil.rmtree(begun, ignore_errors=True)
        found = on_cells(method, int(seed), folder) if data == "cells" else on_standard(data, method, folder)
        row = {"key": key, "seconds": round(time.monotonic() - started), "commit": commit(), **found}
        with kept.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(row, flush=True)
    print(summary([json.loads(line) for line in kept.open()]))


def commit() -> str:
    """The commit that is measured."""
    return subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()


def summary(rows: list[dict]) -> str:
    """A line a data set and method: scores, their mean, the longest run, and intervals where there are some."""
    lines, groups = [], {}
    for row in rows:
        groups.setdefault(row["key"].rpartition(".")[0], []).append(row)
    for name, found in sorted(groups.items()):
        data, method = name.split(".")
        gains = [f"[{r['gain']['low']:+.3f}, {r['gain']['high']:+.3f}]" for r in found if "gain" in r]
        scores = [r["score"] for r in found]
        wanted = WANTED.get(data, {}).get(method, "")
        lines.append(
            f"{name:28} {np.mean(scores):.3f} ({' '.join(f'{s:.3f}' for s in scores)}) wanted {wanted} "
            f"{max(r['seconds'] for r in found)} s {' '.join(gains)}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
