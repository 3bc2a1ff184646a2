"""Which recipe? One change at a time around the default, on drawn cells, digits and MNIST, judged by a linear probe.

Real cells and Fashion-MNIST are never looked at here. Run: ``python benchmarks/bench_recipes.py OUT.jsonl
--trials NAME --workers 8 --seconds 500``; a second call goes on where the first stopped.
"""

import argparse
import json
import multiprocessing as mp
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

BUDGETS = (20, 0)  # labels a class; 0 is all


def data(name: str, seed: int):
    """Images (n, c, h, w), labels (-1: unlabelled), views' preset."""
    from headstart.data.drawn_cells import make_cells
    from headstart.data.load import load

    if name.startswith("cells"):
        size, n = (50, 482) if name == "cells482" else (40, 3892)
        d = make_cells(n, 400, size=size, seed=100 + seed)
        return d, d.labels
    d = load("digits") if name == "digits" else load("mnist")
    rng = np.random.default_rng(seed)
    labels = d.labels.copy()
    if name == "digits":
        labels[rng.permutation(len(d))[: len(d) - 400]] = -1
        return d, labels
    rows = np.concatenate([rng.permutation(60000)[:10000], 60000 + rng.permutation(10000)[:1000]])
    labels = np.where(np.arange(len(rows)) < 10000, -1, d.labels[rows])
    return replace(d, images=d.images[rows], labels=labels, ids=tuple(str(r) for r in rows), splits=None), labels


def probe(h, y, seed):
    """Balanced accuracy of a probe by 4 folds, with 20 labels a class and with all of the fold's."""
    from sklearn.metrics import recall_score
    from sklearn.model_selection import StratifiedKFold

    from headstart.reuse.heads import Head

    found = {}
    for budget in BUDGETS:
        scores = []
        for train, test in StratifiedKFold(4, shuffle=True, random_state=seed).split(y, y):
            if budget:
                train = np.concatenate([train[y[train] == k][:budget] for k in np.unique(y)])
            p = Head("probe").fit(h[train], y[train]).predict(h[test])
            scores.append(recall_score(y[test], p, average="macro"))
        found[str(budget or "all")] = round(float(np.mean(scores)), 4)
    return found


def encoder_of(name, spec, seed):
    """An encoder by name, or by widths and strides such as ``32s2-64s2-128-128s2``, ``+max`` adding the maximum."""
    from headstart.encoders.stages import Staged, Standardise, convolution
    from headstart.training.fit import untrained_encoder

    if "-" not in name:
        return untrained_encoder(replace(spec, name=name), seed=seed)
    torch.manual_seed(seed)
    layout, _, pool = name.partition("+")
    stages, inputs = [], spec.channels
    for i, word in enumerate(layout.split("-")):
        width, _, stride = word.partition("s")
        stride = int(stride or 1)
        if min(spec.size) < 16 and i == 0:
            stride = 1
        stage = convolution(inputs, int(width), stride=stride)
        stages.append(torch.nn.Sequential(Standardise(spec.mean, spec.std), stage) if i == 0 else stage)
        inputs = int(width)
    encoder = Staged(stages, channels=spec.channels, size=spec.size)
    if pool:
        encoder = WithMaximum(encoder)
    return encoder


class WithMaximum(torch.nn.Module):
    """Mean and maximum over space, side by side."""

    def __init__(self, body):
        super().__init__()
        self.body, self.dim, self.map_shape = body, 2 * body.dim, body.map_shape
        self.stages = body.stages

    def forward(self, x):
        z = self.body.feature_map(x)
        return torch.cat([z.mean((2, 3)), z.amax((2, 3))], 1)


def run(trial):
    """Train once and judge."""
    from headstart.data.pixels import Pixels
    from headstart.objectives.catalogue import make_objective
    from headstart.representation.frozen import represent
    from headstart.training.fit import encoder_spec
    from headstart.training.loop import train
    from headstart.training.recipe import Recipe
    from headstart.views.views import Views

    torch.set_num_threads(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dataset, labels = data(trial["data"], trial["seed"])
    pixels = Pixels.fit(dataset.images)
    x = torch.from_numpy(pixels(dataset.images))
    u, rows = np.flatnonzero(labels < 0), np.flatnonzero(labels >= 0)
    views = Views(**{k: tuple(v) if isinstance(v, list) else v for k, v in trial["views"].items()})
    spec = encoder_spec("small", x[u])
    encoder = encoder_of(trial["encoder"], spec, trial["seed"])
    shape = (spec.channels, *spec.size)
    recipe = Recipe(
        epochs=max(1, round(trial["looks"] / len(u))), batch_size=trial["batch"], learning_rate=trial["rate"],
        weight_decay=trial["decay"], seed=trial["seed"], ema=trial.get("ema", 0.0),
    )  # fmt: skip
    started = time.time()
    if trial["method"] != "untrained":
        objective = make_objective(trial["method"], encoder, shape=shape, **trial["options"])
        train(objective, x[u], recipe=recipe, views=views, index=u, device=device)
    spent = time.time() - started
    h = represent(encoder, x[rows], device=device)
    return {**trial, "seconds": round(spent, 1), **probe(h, labels[rows], trial["seed"])}


MICROSCOPY = {
    "rotation": [-180, 180], "flip_horizontal": 0.5, "flip_vertical": 0.5, "scale": [0.9, 1.1],
    "translation": [-0.08, 0.08], "brightness": [0.7, 1.4], "contrast": [0.7, 1.4], "blur": [0.3, 1.0],
    "blur_probability": 0.5, "noise": [0.0, 0.05],
}  # fmt: skip
DIGITS = {
    "rotation": [-15, 15], "scale": [0.8, 1.2], "translation": [-0.12, 0.12], "shear": [-10, 10],
    "brightness": [0.7, 1.3], "contrast": [0.7, 1.3],
}  # fmt: skip
SMALL = "32s2-64s2-128-128s2"
BASE = {
    "method": "simclr",
    "encoder": SMALL,
    "looks": 240_000,
    "batch": 128,
    "rate": 2e-3,
    "decay": 1e-4,
    "options": {},
}


def first():
    """SimCLR: one change at a time."""
    changes = {
        "base": {}, "t0.1": {"options": {"temperature": 0.1}}, "t0.2": {"options": {"temperature": 0.2}},
        "t1.0": {"options": {"temperature": 1.0}},
        "rate5e-4": {"rate": 5e-4}, "rate1e-3": {"rate": 1e-3}, "rate5e-3": {"rate": 5e-3}, "rate1e-2": {"rate": 1e-2},
        "batch64": {"batch": 64}, "batch256": {"batch": 256}, "batch512": {"batch": 512},
        "looks60k": {"looks": 60_000}, "looks120k": {"looks": 120_000}, "looks480k": {"looks": 480_000},
        "decay0": {"decay": 0.0}, "decay1e-2": {"decay": 1e-2}, "decay1e-1": {"decay": 0.1}, "ema": {"ema": 0.99},
        "lecture": {"encoder": "lecture"}, "max": {"encoder": SMALL + "+max"},
        "wide": {"encoder": "32s2-64s2-128-256s2"},
        "deep": {"encoder": "32s2-64-64s2-128-128s2-128"}, "fine": {"encoder": "32s2-64s2-128-128"},
        "thin": {"encoder": "16s2-32s2-64-64s2"}, "fine256": {"encoder": "32s2-64s2-128-256"},
        "hidden512": {"options": {"hidden": 512}}, "width64": {"options": {"width": 64}},
        "untrained": {"method": "untrained"},
    }  # fmt: skip
    tweaks = {
        "noblur": {"blur": [0, 0]}, "nonoise": {"noise": [0, 0]}, "noise.1": {"noise": [0, 0.1]},
        "shift0": {"translation": [0, 0]}, "shift.15": {"translation": [-0.15, 0.15]},
        "scale.75": {"scale": [0.75, 1.25]}, "scale.6": {"scale": [0.6, 1.5]}, "scale0": {"scale": [1, 1]},
        "light0": {"brightness": [1, 1], "contrast": [1, 1]},
        "light.5": {"brightness": [0.5, 1.6], "contrast": [0.5, 1.6]},
        "crop.5": {"crop": [0.5, 1.0]}, "crop.25": {"crop": [0.25, 1.0]}, "rotate0": {"rotation": [0, 0]},
        "shear15": {"shear": [-15, 15]},
    }  # fmt: skip
    for seed in (0, 1, 2):
        for name in ("cells482", "digits", "cells3892", "mnist"):
            if name == "mnist" and seed:
                continue
            views = MICROSCOPY if name.startswith("cells") else DIGITS
            for label, change in changes.items():
                yield {**BASE, "views": views, **change, "data": name, "seed": seed, "label": label}
            for label, change in tweaks.items():
                yield {**BASE, "views": {**views, **change}, "data": name, "seed": seed, "label": "view:" + label}


TRIALS = {"first": first}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--trials", default="first")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--only", default="")
    chosen = parser.parse_args()
    done = {json.loads(line)["key"] for line in chosen.out.open()} if chosen.out.exists() else set()
    trials = [{**t, "key": f"{t['data']}.{t['seed']}.{t['label']}"} for t in TRIALS[chosen.trials]()]
    trials = [t for t in trials if t["key"] not in done and chosen.only in t["key"]]
    end = time.time() + chosen.seconds
    context = mp.get_context("spawn")
    with context.Pool(chosen.workers) as pool, chosen.out.open("a") as file:
        results = pool.imap_unordered(run, trials)
        for _ in trials:
            try:
                row = results.next(timeout=max(1.0, end - time.time()))
            except mp.TimeoutError:
                break
            file.write(json.dumps(row) + "\n")
            file.flush()
            print(row["key"], row["20"], row["all"], row["seconds"], flush=True)
        pool.terminate()


if __name__ == "__main__":
    main()
