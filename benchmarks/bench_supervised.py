"""How many steps, in batches of how many images, does a network want that learns from few labels?

The small network, from random weights or from SimCLR's, trained as a study trains it (``reuse.transfer``, the data's
views) on 5, 10 and 25 labels a class, and on 300 and 1,000 in all, by number of steps, batch and rate; ``rule`` is what
``Recipe.resolve`` makes of so many labels. Draws of labels, test images (1,000 others, 797 of digits) and seeds are the
same for every setting. Drawn cells of 40 and 50 pixels, digits and MNIST only: other data judge. One row a network:
``python benchmarks/bench_supervised.py [OUT] [--data cells-40] [--start simclr] [--steps rule 200]``; a run that was
stopped goes on. ``--table`` prints the means of what is there.
"""

import argparse
import json
import time
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import balanced_accuracy_score

from headstart.data.drawn_cells import make_cells
from headstart.data.load import load
from headstart.data.pixels import Pixels
from headstart.encoders.encoder import Encoder
from headstart.representation.frozen import represent
from headstart.reuse.heads import LinearHead
from headstart.reuse.transfer import Transfer
from headstart.training.fit import encoder_spec, fit_encoder, untrained_encoder
from headstart.training.method import Method
from headstart.training.recipe import Recipe, steps_an_epoch
from headstart.training.training_set import TrainingSet
from headstart.views.presets import resolve
from headstart.views.views import Views

DATA = ("cells-40", "cells-50", "digits", "mnist")
BUDGETS = ("5", "10", "25", "300 in all", "1000 in all")
STEPS = ("rule", "50", "100", "200", "400", "800", "1600")
KEY = ("data", "start", "budget", "steps", "batch", "rate", "draw")
TESTED = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", default=Path("runs/bench-supervised.jsonl"), type=Path)
    parser.add_argument("--data", nargs="*", default=DATA, choices=DATA)
    parser.add_argument("--start", nargs="*", default=("random", "simclr"), choices=("random", "simclr"))
    parser.add_argument("--budgets", nargs="*", default=BUDGETS, choices=BUDGETS)
    parser.add_argument("--steps", nargs="*", default=STEPS, help="numbers, or rule")
    parser.add_argument("--batches", nargs="*", default=(16, 32, 64), type=int)
    parser.add_argument("--rates", nargs="*", default=(1e-3,), type=float)
    parser.add_argument("--draws", default=3, type=int)
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    done = {tuple(row[k] for k in KEY): row for row in read(asked.out)}
    if asked.table:
        print_table(list(done.values()))
        return
    for draw, data, start, budget in product(range(asked.draws), asked.data, asked.start, asked.budgets):
        train, test = drawn(data, budget, draw)
        for steps, recipe in recipes(len(train), asked.steps, asked.batches, asked.rates, draw):
            key = (data, start, budget, steps, recipe.batch_size, recipe.learning_rate, draw)
            if key not in done:
                done[key] = dict(zip(KEY, key, strict=True)) | measure(data, start, train, test, recipe)
                with asked.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(done[key]) + "\n")
                print(json.dumps(done[key]), flush=True)


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of JSON lines, none where there is no file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []


def recipes(
    n: int, steps: list[str], batches: list[int], rates: list[float], draw: int
) -> Iterator[tuple[str, Recipe]]:
    """The recipes asked for, for n labels: each with the batch that they make, at most the one asked for."""
    if "rule" in steps:
        yield "rule", Recipe(seed=draw).resolve("supervised", n)
    tried = set()
    for number, batch, rate in product([int(s) for s in steps if s != "rule"], batches, rates):
        an_epoch = steps_an_epoch(n, batch)
        size = -(-n // an_epoch)
        if (number, size, rate) not in tried:
            tried.add((number, size, rate))
            epochs = max(1, round(number / an_epoch))
            yield str(number), Recipe(epochs=epochs, batch_size=size, learning_rate=rate, seed=draw)


@cache
def images(data: str) -> tuple[torch.Tensor, np.ndarray, Views, int]:
    """(n, c, h, w) in [0, 1], labels, views, and how many of the images, the last ones, are for tests only."""
    if data.startswith("cells"):
        dataset, tested = make_cells(0, 5000, size=int(data[-2:]), seed=1), 0
        rows = np.arange(5000)
    else:
        dataset = load(data)
        rows = np.arange(len(dataset)) if data == "digits" else np.r_[0:4000, 60_000:70_000]
        tested = 797 if data == "digits" else 10_000
    pixels = Pixels.fit(dataset.images[rows])
    _, views, _ = resolve(None, dataset)
    return torch.from_numpy(pixels(dataset.images[rows])), dataset.labels[rows], views, tested


def drawn(data: str, budget: str, draw: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on, and rows to test on."""
    _, y, _, tested = images(data)
    order = np.random.default_rng(draw).permutation(len(y) - tested)
    if tested:
        test = len(order) + np.random.default_rng(draw).permutation(tested)[:TESTED]
    else:
        order, test = order[:-TESTED], order[-TESTED:]
    if budget.endswith("in all"):
        return order[: int(budget.split()[0])], test
    return np.concatenate([order[y[order] == k][: int(budget)] for k in np.unique(y)]), test


@cache
def start_from(start: str, data: str, seed: int) -> Encoder:
    """Random weights, or those that SimCLR found on 2,000 of the images (all but those for tests only of digits)."""
    x, _, views, tested = images(data)
    seen = x[: len(x) - tested][:2000]
    spec = encoder_spec("small", TrainingSet.of(seen), symmetric=views.symmetric)
    if start == "random":
        return untrained_encoder(spec, seed=seed)
    method = Method(start)
    return fit_encoder(
        method, TrainingSet.of(seen, views=views), spec=spec, recipe=Recipe().resolve(method, len(seen))
    ).encoder


def measure(data: str, start: str, train: np.ndarray, test: np.ndarray, recipe: Recipe) -> dict[str, Any]:
    """Balanced accuracy on the test rows, seconds of training, and what was done."""
    x, y, views, _ = images(data)
    encoder = start_from(start, data, recipe.seed if start == "random" else 0)
    began = time.perf_counter()
    network = Transfer(encoder, frozen=(), recipe=recipe, views=views, device="cpu").fit(
        x[train], y[train], index=train
    )
    seconds = time.perf_counter() - began
    h = represent(network.encoder_, x[test], symmetric=views.symmetric)
    predicted = network.classes_[LinearHead.of(network.head_).predict_proba(h).argmax(1)]
    score = float(balanced_accuracy_score(y[test], predicted))
    return {
        "score": score, "seconds": round(seconds, 3), "n": len(train), "updates": len(network.log_),
        "looks": recipe.epochs * len(train),
    }  # fmt: skip


def print_table(rows: list[dict[str, Any]]) -> None:
    """Means over draws, a line a budget and batch, a column a number of steps."""
    for data, start, budget in dict.fromkeys((r["data"], r["start"], r["budget"]) for r in rows):
        own = [r for r in rows if (r["data"], r["start"], r["budget"]) == (data, start, budget)]
        for rate, batch in sorted({(r["rate"], r["batch"]) for r in own}):
            cells = []
            for steps in dict.fromkeys(r["steps"] for r in own):
                found = [r for r in own if (r["rate"], r["batch"], r["steps"]) == (rate, batch, steps)]
                if found:
                    scores = [r["score"] for r in found]
                    spread = np.std(scores, ddof=1) if len(scores) > 1 else np.nan
                    seconds = np.mean([r["seconds"] for r in found])
                    cells.append(f"{steps}: {np.mean(scores):.3f} ± {spread:.3f} ({seconds:.1f} s, n={len(found)})")
            print(f"{data:9}{start:7}{budget:12}batch {batch:3} rate {rate:g}  {'; '.join(cells)}")


if __name__ == "__main__":
    main()
