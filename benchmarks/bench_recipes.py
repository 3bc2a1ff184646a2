"""Which recipe? One change at a time around the default, on drawn cells, digits and MNIST, judged by a linear probe.

Real cells and Fashion-MNIST are never looked at here. Run: ``python benchmarks/bench_recipes.py OUT.jsonl
[--only cells3892.0.] [--workers 2]``; a second call goes on where the first stopped. With ``--path`` every fifth look
is judged, too, and the end says which measure without labels ranks the looks of a run as the probe does.
"""

import argparse
import json
import multiprocessing as mp
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

PRESETS_OF = {"cells482": "microscopy", "cells3892": "microscopy", "digits": "digits", "mnist": "digits"}
SCORED = {"10": (10, 12), "20": (20, 12), "61": (61, 12), "300": (300, 6)}  # labels (10 and 20: a class), draws


def data(name: str, seed: int):
    """A data set, and its labels: those that judge, -1 for the images that train."""
    from headstart.data.drawn_cells import make_cells
    from headstart.data.load import load

    if name.startswith("cells"):
        size, n = (50, 482) if name == "cells482" else (40, 3892)
        d = make_cells(n, 400, size=size, seed=100 + seed)
        return d, d.labels
    d, rng = load(name), np.random.default_rng(seed)
    if name == "digits":
        labels = d.labels.copy()
        labels[rng.permutation(len(d))[: len(d) - 400]] = -1
        return d, labels
    rows = rng.permutation(60000)[:11000]  # the last 1,000 judge; the official test images have no say in a recipe
    labels = np.where(np.arange(len(rows)) < 10000, -1, d.labels[rows])
    return replace(d, images=d.images[rows], labels=labels, ids=tuple(str(r) for r in rows), splits=None), labels


def judged(h: np.ndarray, y: np.ndarray, scored: dict[str, tuple[int, int]] = SCORED) -> dict[str, float]:
    """Balanced accuracy of a probe on random labels, tested on all others: the mean over draws, by number of labels."""
    from sklearn.metrics import recall_score

    from headstart.reuse.heads import Head

    found = {}
    for name, (labels, draws) in scored.items():
        scores = []
        for draw in range(draws):
            order = np.random.default_rng(draw).permutation(len(y))
            if name in ("10", "20"):
                train = np.concatenate([order[y[order] == k][:labels] for k in np.unique(y)])
            else:
                train = order[:labels]
            test = np.setdiff1d(order, train)
            scores.append(recall_score(y[test], Head().fit(h[train], y[train]).predict(h[test]), average="macro"))
        found[name] = round(float(np.mean(scores)), 4)
    return found


def encoder_of(name: str, spec, seed: int):
    """An encoder by name, or by widths and strides such as ``32s2-64s2-128-128s2``."""
    from headstart.encoders.stages import Staged, Standardise, convolution
    from headstart.training.fit import untrained_encoder

    if "-" not in name:
        return untrained_encoder(replace(spec, name=name), seed=seed)
    torch.manual_seed(seed)
    stages, inputs = [], spec.channels
    for i, word in enumerate(name.split("-")):
        width, _, stride = word.partition("s")
        stage = convolution(inputs, int(width), stride=1 if min(spec.size) < 16 and i == 0 else int(stride or 1))
        stages.append(torch.nn.Sequential(Standardise(spec.mean, spec.std), stage) if i == 0 else stage)
        inputs = int(width)
    return Staged(stages, channels=spec.channels, size=spec.size)


def method_encoder(trial: dict) -> str:
    from headstart.objectives.catalogue import method_class

    return method_class(trial.get("method", "simclr")).default_encoder


def run(trial: dict) -> dict:
    """Train once and judge. A trial's keys change the default: recipe, the method's options, rates, views, encoder."""
    from headstart.data.pixels import Pixels
    from headstart.objectives.objective import Objective
    from headstart.representation.frozen import represent
    from headstart.representation.health import Monitor
    from headstart.training.fit import encoder_spec
    from headstart.training.log import Row
    from headstart.training.loop import train
    from headstart.training.method import Method
    from headstart.training.recipe import Recipe
    from headstart.training.run import Run
    from headstart.training.training_set import TrainingSet
    from headstart.views.presets import PRESETS

    torch.set_num_threads(1)
    dataset, labels = data(trial["data"], trial["seed"])
    x = torch.from_numpy(Pixels.fit(dataset.images)(dataset.images))
    u, rows = np.flatnonzero(labels < 0), np.flatnonzero(labels >= 0)
    changed = {k: tuple(v) if isinstance(v, list) else v for k, v in trial.get("views", {}).items()}
    views = replace(PRESETS[PRESETS_OF[trial["data"]]], **changed)
    spec = encoder_spec(method_encoder(trial), TrainingSet.of(x[u]), symmetric=views.symmetric)
    encoder, method = encoder_of(trial.get("encoder", spec.name), spec, trial["seed"]), trial.get("method", "simclr")
    recipe = Recipe(seed=trial["seed"], optimiser=trial.get("optimiser"), **trial.get("recipe", {}))
    recipe = recipe.resolve(method, len(u))
    if "looks" in trial:
        recipe = recipe.replace(epochs=max(1, round(trial["looks"] / len(u))))
    made = Method(method, **trial.get("options", {}))
    objective = made.make(encoder, shape=(spec.channels, *spec.size), seed=11)
    objective.__dict__["rates"] = trial.get("rates", objective.rates)
    started = time.time()
    monitor, judging, path = Monitor(TrainingSet.of(x[u]), views=views, epochs=recipe.epochs), 0.0, []

    def watch(seen: Objective, log: list[Row]) -> None:
        nonlocal judging
        began, looks = time.time(), len(monitor.rows)
        monitor(seen, log)
        if trial.get("path") and len(monitor.rows) > looks and looks % 5 == 4:
            h = represent(seen.encoder, x[rows], symmetric=spec.symmetric)
            path.append(judged(h, labels[rows], {"61": SCORED["61"]})["61"])
            seen.train()
        judging += time.time() - began

    train(objective, TrainingSet.of(x[u], views=views, index=u), recipe=recipe, run=Run(watch=watch))
    spent = time.time() - started - judging
    h = represent(encoder, x[rows], symmetric=spec.symmetric)
    found = {"epochs": recipe.epochs, "seconds": round(spent, 1), **judged(h, labels[rows])}
    return {**trial, **found, "health": monitor.rows, "path": path}


CHANGES = {
    "default": {},
    "looks100k": {"looks": 100_000},
    "looks300k": {"looks": 300_000},
    "batch64": {"recipe": {"batch_size": 64}},
    "batch128": {"recipe": {"batch_size": 128}},
    "rate1e-3": {"optimiser": "adamw", "recipe": {"learning_rate": 1e-3}},
    "rate5e-3": {"optimiser": "adamw", "recipe": {"learning_rate": 5e-3}},
    "ema": {"recipe": {"ema": 0.99}},
    "temperature0.1": {"options": {"temperature": 0.1}},
    "temperature0.5": {"options": {"temperature": 0.5}},
    "fine": {"encoder": "32s2-64s2-128s2-128"},
    "finer": {"encoder": "32s2-64s2-128-128s2"},
    "crops": {"views": {"crop": [0.5, 1.0]}},
    "blur2": {"views": {"blur": [0.1, 2.0], "noise": [0.0, 0.0]}},
}
METHODS = ("moco", "byol", "simsiam", "barlow_twins", "vicreg", "dino", "cpc", "mae")
for _method in METHODS:
    for _batch in (64, 256):
        CHANGES[f"{_method}.batch{_batch}"] = {"method": _method, "looks": 100_000, "recipe": {"batch_size": _batch}}
for _method, _changes in {
    "byol": {"momentum": (0.9, 0.99)}, "barlow_twins": {"redundancy": (0.02,)}, "simsiam": {"bottleneck": (128,)},
    "dino": {"version": (1,), "momentum": (0.95, 0.99), "spread": (0.0, 0.3)}, "moco": {"queue": (256,)},
}.items():  # fmt: skip
    for _name, _values in _changes.items():
        for _value in _values:
            CHANGES[f"{_method}.{_name}{_value}"] = {"method": _method, "looks": 100_000, "options": {_name: _value}}
for _method in ("byol", "simsiam"):
    for _name, _values in {"learning_rate": (5e-4, 5e-3), "weight_decay": (0.03, 0.3)}.items():
        for _value in _values:
            CHANGES[f"{_method}.{_name}{_value}"] = {
                "method": _method, "looks": 100_000, "optimiser": "adamw", "recipe": {_name: _value},
            }  # fmt: skip
for _method in ("simclr", *METHODS):
    CHANGES[f"{_method}.adamw"] = {"method": _method, "optimiser": "adamw"}
    for _epochs in (50, 100, 150):
        CHANGES[f"{_method}.muon.epochs{_epochs}"] = {
            "method": _method, "optimiser": "muon", "recipe": {"epochs": _epochs},
        }  # fmt: skip
    for _rate in (0.005, 0.01, 0.02, 0.05):
        CHANGES[f"{_method}.muon{_rate}"] = {
            "method": _method, "optimiser": "muon", "recipe": {"learning_rate": _rate},
        }  # fmt: skip
for _factor in (1.0, 3.0, 10.0, 30.0):
    CHANGES[f"byol.predictor{_factor:g}"] = {"method": "byol", "rates": {"predictor": _factor}}


def ranked(rows: list[dict]) -> str:
    """Spearman's correlation over the looks of a run: median (lowest, highest) of the runs, a line a measure."""
    from scipy.stats import spearmanr

    lines = [f"{sum(bool(row['path']) for row in rows)} runs; correlation with the probe at 61 labels"]
    for measure in ("top1", "alignment", "uniformity", "spread", "rank"):
        found = [
            float(spearmanr([look[measure] for look in row["health"][4::5]], row["path"]).statistic)
            for row in rows if row["path"]
        ]  # fmt: skip
        lines.append(f"{measure:12} {np.median(found):5.2f} ({min(found):.2f}, {max(found):.2f})")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", default=Path("runs/bench-recipes.jsonl"), type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", default="", help="part of DATA.SEED.CHANGE")
    parser.add_argument("--path", action="store_true", help="judge every fifth look, too")
    chosen = parser.parse_args()
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    done = {json.loads(line)["key"] for line in chosen.out.open()} if chosen.out.exists() else set()
    trials = [
        {**change, "data": name, "seed": seed, "path": chosen.path, "key": f"{name}.{seed}.{label}"}
        for seed in (0, 1, 2) for name in PRESETS_OF for label, change in CHANGES.items()
    ]  # fmt: skip
    trials = [t for t in trials if t["key"] not in done and chosen.only in t["key"]]
    with mp.get_context("spawn").Pool(chosen.workers) as pool, chosen.out.open("a") as file:
        for row in pool.imap_unordered(run, trials):
            file.write(json.dumps(row) + "\n")
            file.flush()
            print(row["key"], {k: row[k] for k in ("epochs", "seconds", *SCORED)}, flush=True)
    if chosen.path:
        print(ranked([json.loads(line) for line in chosen.out.open()]))


if __name__ == "__main__":
    main()
