"""How fast is pretraining? SimCLR here, and as lightly's documentation writes the loop, with its data loader.

The same network, batch and kind of views, both on all cores, alternating. ``python benchmarks/bench_pretraining.py``
gives images a second on real cells at 40 pixels and on CIFAR-10 at 32, with the machine's GEMM rate beside each round;
``--accuracy real --out FILE`` gives seconds of training until a probe on the real cells has 0.90 (4 folds, 5 times;
median of five seeds; ``--labels 10``: on ten labels a class), each with what was soonest of what was tried on drawn
cells (RESULTS.md; ``--search`` repeats some of it). The probe is judged after every 256 images, to the end of the
schedule: seconds to the first look at 0.90, and to the look from which on all are there. Judging hides a loader's work:
so one run says how many steps it takes, three more how long they are.
"""

import argparse
import contextlib
import json
import os
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from joblib import Parallel, delayed
from PIL import Image

from bench_training import gemm_rate
from bench_views import LIGHTLY
from headstart.data.drawn_cells import make_cells
from headstart.data.load import load
from headstart.data.pixels import Pixels
from headstart.encoders.encoder import Encoder
from headstart.evaluation.budgets import Budget
from headstart.evaluation.statistics import score
from headstart.objectives.simclr import SimCLR
from headstart.representation.frozen import represent
from headstart.reuse.heads import Head
from headstart.reuse.probe import judged_splits
from headstart.training.fit import encoder_spec, untrained_encoder
from headstart.training.loop import train
from headstart.training.recipe import Recipe
from headstart.training.run import Run
from headstart.training.training_set import TrainingSet
from headstart.views.presets import PRESETS
from headstart.views.views import Views

ROUNDS, BATCH, SEEDS, DRAWN = 5, 256, 5, 520
LOOK = 256  # images from one look to the next
WANTED = {"real": 0.9, "drawn": 0.86}  # drawn cells are the harder ones
Watch = Callable[[Encoder], None]


@dataclass(frozen=True)
class Peer:
    """How lightly's loop is set up: views as its SimCLRTransform takes them, optimiser, rate, torch.autocast."""

    transform: dict
    optimiser: str = "sgd"
    rate: float = 0.06
    temperature: float = 0.5
    workers: int = 2
    batch: int = 64
    epochs: int = 20
    bf16: bool = False
    momentum: float = 0.9


SAME = Peer({"gaussian_blur": 0.5}, batch=BATCH)


def theirs(x: torch.Tensor, peer: Peer, *, seed: int = 0, steps: int = 0, watch: Watch | None = None) -> float:
    """Seconds of training by lightly's loop: PIL images, its transform, torch's data loader with its workers.

    It ends after so many steps, where ``steps`` says how many.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lightly.loss import NTXentLoss
        from lightly.models.modules import SimCLRProjectionHead
        from lightly.transforms import SimCLRTransform
        from torch.utils.data import DataLoader, Dataset

    class Pictures(Dataset):
        def __init__(self) -> None:
            stored = (x.permute(0, 2, 3, 1).numpy() * 255).round().astype(np.uint8)
            self.pictures = [Image.fromarray(image.squeeze()) for image in stored]
            self.transform = SimCLRTransform(input_size=x.shape[2], normalize=None, **peer.transform)

        def __len__(self) -> int:
            return len(self.pictures)

        def __getitem__(self, i: int) -> list[torch.Tensor]:
            return self.transform(self.pictures[i])

    torch.manual_seed(seed)
    encoder = untrained_encoder(encoder_spec("small", TrainingSet.of(x)), seed=seed)
    head, criterion = SimCLRProjectionHead(encoder.dim, 256, 128), NTXentLoss(temperature=peer.temperature)
    parameters = [*encoder.parameters(), *head.parameters()]
    make = {"sgd": lambda: torch.optim.SGD(parameters, lr=peer.rate, momentum=peer.momentum, weight_decay=5e-4),
            "adam": lambda: torch.optim.AdamW(
                parameters, lr=peer.rate, betas=(peer.momentum, 0.999), weight_decay=1e-4)}[peer.optimiser]  # fmt: skip
    optimiser = make()
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, peer.epochs)
    several: dict[str, Any] = {"num_workers": peer.workers, "persistent_workers": True} if peer.workers else {}
    loader = DataLoader(Pictures(), min(peer.batch, len(x)), shuffle=True, drop_last=True, **several)
    encoder.train()
    started, taken = time.perf_counter(), 0
    for _ in range(peer.epochs):
        for v1, v2 in loader:
            with torch.autocast("cpu", torch.bfloat16, enabled=peer.bf16):
                loss = criterion(head(encoder(v1)), head(encoder(v2)))
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()
            taken += 1
            if watch:
                watch(encoder)
                encoder.train()
            if taken == steps:
                return time.perf_counter() - started
        schedule.step()
    return time.perf_counter() - started


class EnoughError(Exception):
    """As many steps as were asked for."""


def ours(
    x: torch.Tensor, views: Views, recipe: Recipe, *, temperature: float = 0.2, steps: int = 0,
    watch: Watch | None = None,
) -> float:  # fmt: skip
    """Seconds of training by our loop, which ends as lightly's does."""
    encoder = untrained_encoder(encoder_spec("small", TrainingSet.of(x)), seed=recipe.seed)
    torch.manual_seed(recipe.seed)
    objective, taken = SimCLR(encoder, temperature=temperature), 0

    def look(_: float) -> None:
        nonlocal taken
        taken += 1
        if watch:
            watch(encoder)
        if taken == steps:
            raise EnoughError

    started = time.perf_counter()
    with contextlib.suppress(EnoughError):
        train(objective, TrainingSet.of(x, views=views), recipe=recipe, run=Run(progress=look))
    return time.perf_counter() - started


def rates(name: str, x: torch.Tensor, epochs: int) -> dict:
    """Images a second of both, in alternating rounds, and their ratio."""
    recipe = Recipe(epochs=epochs, batch_size=BATCH)
    x = x[: len(x) // BATCH * BATCH]  # whole batches, as its loader leaves a smaller last one out
    x = x.repeat(-(-2560 // len(x)), 1, 1, 1)  # and ten of them an epoch, so that it loads while it trains
    tried = {n: theirs(x, replace(SAME, workers=n, epochs=1)) for n in (0, 1, 2)}
    peer, pairs = replace(SAME, workers=min(tried, key=lambda n: tried[n]), epochs=epochs), []
    for _ in range(ROUNDS + 1):
        fast, slow = ours(x, LIGHTLY, recipe), theirs(x, peer)
        pairs.append((len(x) * epochs / fast, len(x) * epochs / slow, gemm_rate() / 1e9))
    pairs = pairs[1:]  # the first warms up
    fast, slow, gemm = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratios = [a / b for a, b, _ in pairs]
    return {
        "data": name, "images": len(x), "size": x.shape[2], "workers": peer.workers,
        "ours": round(fast), "lightly": round(slow),
        "ratio": round(statistics.median(ratios), 2), "ratios": [round(r, 2) for r in ratios],
        "gemm_gflops": round(gemm, 1), "gemm_share": round(fast * flops_an_image(x) / gemm / 1e9, 3),
    }  # fmt: skip


def flops_an_image(x: torch.Tensor) -> float:
    """Multiplications and additions of the convolutions for two views, forwards and twice backwards."""
    encoder, counted = untrained_encoder(encoder_spec("small", TrainingSet.of(x)), seed=0), 0.0

    def count(layer: torch.nn.Conv2d, _: tuple, y: torch.Tensor) -> None:
        nonlocal counted
        counted += 2 * layer.weight.numel() * y.shape[2] * y.shape[3]

    for module in encoder.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(count)
    encoder(x[:1])
    return 2 * 3 * counted


def judge(dataset, x: torch.Tensor, labels: Budget = "all") -> Callable[[Encoder], float]:
    """Balanced accuracy of a probe on so many labels a class: the mean over 4 folds drawn 5 times.

    On drawn cells over 6 draws of 61 labels in all.
    """
    y = dataset.labels[dataset.labelled]
    if len(y) < DRAWN:
        splits = judged_splits(dataset, folds=4, repeats=5, seed=0)
        pairs = [(split.budget(y, labels), split.test) for split in splits]
    else:
        orders = [np.random.default_rng(draw).permutation(len(y)) for draw in range(6)]
        pairs = [(order[:61], order[61:]) for order in orders]
    parallel = Parallel(n_jobs=os.cpu_count())

    def judged(encoder: Encoder) -> float:
        h = represent(encoder, x[dataset.labelled], symmetric=True)
        return float(np.mean(parallel(delayed(_probe)(h, y, *pair) for pair in pairs)))

    return judged


def _probe(h: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    predicted = Head("probe", seed=0).fit(h[train], y[train]).predict(h[test])
    return score("balanced_accuracy", y[test], predicted, sorted(set(y.tolist())))


def seconds_to(wanted: float, batch: int, judged: Callable[[Encoder], float], run: Callable[..., float]) -> dict:
    """Images and seconds until the probe is there ``first``, and until it is ``held``; None where it never is."""
    path: list[float] = []
    taken = 0

    def watch(encoder: Encoder) -> None:
        nonlocal taken
        taken += 1
        if taken * batch % LOOK == 0:
            path.append(round(judged(encoder), 4))

    run(watch=watch)
    there = [accuracy >= wanted for accuracy in path]
    looks = {"first": there.index(True) + 1 if any(there) else None}
    looks["held"] = len(there) - there[::-1].index(False) + 1 if not all(there) else 1
    found: dict[str, Any] = {"path": path}
    for name, look in looks.items():
        if look is None or look > len(path):
            found[name] = {"images": None, "seconds": None}
            continue
        seconds = statistics.median(run(steps=look * LOOK // batch) for _ in range(3))
        found[name] = {"images": look * LOOK, "seconds": round(seconds, 3)}
    return found


def cells(name: str) -> tuple:
    """Real cells, or drawn ones of the same number and size with more labels to judge by, at 40 pixels.

    Returns:
        The data set, its images, and those of them that are learned from.
    """
    if name == "drawn":
        dataset = make_cells(482, DRAWN, size=50, seed=7)
        learned = np.concatenate([np.flatnonzero(dataset.unlabelled), np.flatnonzero(dataset.labelled)[:81]])
    else:
        dataset = load(Path(os.environ["HEADSTART_DATA"]) / "cells/data.npz")
        learned = np.arange(len(dataset.images))
    x = torch.from_numpy(Pixels.fit(dataset.images, image_size=40)(dataset.images))
    return dataset, x, x[learned]


@dataclass(frozen=True)
class Ours:
    """How our loop is set up: what is changed of the default recipe, temperature and views."""

    recipe: dict
    temperature: float = 0.2
    views: dict = field(default_factory=dict)


SOON = Ours(
    {"epochs": 20, "optimiser": "muon", "learning_rate": 0.05, "momentum": 0.8, "batch_size": 64, "warmup": 0.0,
     "precision": "bf16"},
    temperature=0.1,
    views={"blur": (0.1, 2.0), "noise": (0.0, 0.0)},
)  # fmt: skip
BEST = Peer(
    {"cj_prob": 0.8, "cj_bright": 0.3, "cj_contrast": 0.3, "min_scale": 0.8, "random_gray_scale": 0.0,
     "gaussian_blur": 0.5, "vf_prob": 0.5, "rr_prob": 1.0, "rr_degrees": 180.0},
    optimiser="adam", rate=2e-3, temperature=0.1, workers=0, epochs=20, bf16=True, momentum=0.8,
)  # fmt: skip
OURS = [
    SOON, replace(SOON, temperature=0.2), replace(SOON, views={}),
    *(replace(SOON, recipe=SOON.recipe | changes) for changes in (
        {"learning_rate": 0.02}, {"momentum": 0.9}, {"warmup": 0.05}, {"batch_size": 32},
        {"precision": "float32"}, {"optimiser": "adamw", "learning_rate": 2e-3})),
]  # fmt: skip
SEARCHED = [
    replace(BEST, **changes)
    for changes in (
        {}, {"bf16": False}, {"momentum": 0.9},
        {"rate": 4e-3}, {"temperature": 0.2}, {"batch": 32}, {"transform": BEST.transform | {"sigmas": (0.1, 3.0)}},
        {"optimiser": "sgd", "rate": 0.2},
    )
]  # fmt: skip


def reached(name: str, wanted: float, labels: Budget = "all") -> Callable[..., dict]:
    """Seconds to the wanted accuracy on these cells, by a set-up of our loop or of lightly's."""
    dataset, x, learned = cells(name)
    judged, recipe = judge(dataset, x, labels), Recipe().resolve("simclr", len(learned))

    def run(way: Ours | Peer, seed: int) -> dict:
        if isinstance(way, Peer):
            return seconds_to(wanted, way.batch, judged, partial(theirs, learned, way, seed=seed))
        own = recipe.replace(**way.recipe, seed=seed)
        views = replace(PRESETS["microscopy"], **way.views)
        return seconds_to(
            wanted, own.batch_size, judged, partial(ours, learned, views, own, temperature=way.temperature)
        )

    return run


def searched(wanted: float, done: set[str]) -> Iterator[dict]:
    """Seconds on drawn cells, a row a set-up and a seed of two that is not done."""
    run = reached("drawn", wanted)
    for seed in range(2):
        for way in [*OURS, *SEARCHED]:
            key = f"{seed} {way}"
            if key not in done:
                yield {"key": key, **run(way, seed)}


def accuracy(name: str, wanted: float, labels: Budget, done: set[str]) -> Iterator[dict]:
    """Seconds to the wanted accuracy, a row a seed that is not done."""
    run = reached(name, wanted, labels)
    for seed in range(SEEDS):
        if str(seed) not in done:
            yield {"key": str(seed), "ours": run(SOON, seed), "lightly": run(BEST, seed)}


def medians(rows: list[dict]) -> dict:
    """Median images and seconds, of the first look that is there and of the look from which on all are."""
    return {
        name: {
            what: statistics.median(row[name][what] or float("inf") for row in rows) for what in ("images", "seconds")
        }
        for name in ("first", "held")
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accuracy", choices=["real", "drawn"], help="seconds to 0.90 (0.86) on these cells")
    parser.add_argument("--search", action="store_true", help="set-ups of both loops on drawn cells")
    parser.add_argument("--wanted", type=float, help="another accuracy")
    parser.add_argument("--labels", type=int, help="labels a class of the real cells; default: all")
    parser.add_argument("--out", type=Path, help="file of --accuracy or --search, which a second call goes on with")
    parser.add_argument("--epochs", type=int, default=4)
    chosen = parser.parse_args()
    if chosen.search or chosen.accuracy:
        wanted = chosen.wanted or WANTED[chosen.accuracy or "drawn"]
        rows = [json.loads(line) for line in chosen.out.open()] if chosen.out.exists() else []
        done = {row["key"] for row in rows}
        labels = chosen.labels or "all"
        for row in searched(wanted, done) if chosen.search else accuracy(chosen.accuracy, wanted, labels, done):
            with chosen.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(row, flush=True)
            rows.append(row)
        if chosen.search:
            for way in sorted({row["key"].partition(" ")[2] for row in rows}):
                print(medians([row for row in rows if row["key"].endswith(way)]), way)
            return
        fast, slow = (medians([row[key] for row in rows]) for key in ("ours", "lightly"))
        ratios = {name: round(slow[name]["seconds"] / fast[name]["seconds"], 2) for name in fast}
        print(f"median seconds to {wanted}: ours {fast}, lightly {slow}, times as fast {ratios}")
        return
    dataset = load("cifar10", data_root=os.environ["HEADSTART_DATA"])
    found = [
        rates("cells", cells("real")[2], chosen.epochs),
        rates("cifar10", torch.from_numpy(Pixels.fit(dataset.images[:2560])(dataset.images[:2560])), chosen.epochs),
    ]
    for row in found:
        print(row, flush=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
