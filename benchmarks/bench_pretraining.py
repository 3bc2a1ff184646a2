"""How fast is pretraining? SimCLR here, and as lightly's documentation writes the loop, with its data loader.

The same network, batch and kind of views, both on all cores, alternating. ``python benchmarks/bench_pretraining.py``
gives images a second on real cells at 40 pixels and on CIFAR-10 at 32, with the machine's GEMM rate beside each round;
``--accuracy real --out FILE`` gives seconds of training until a probe on the real cells reaches 0.90 (4 folds, 5 times;
median of five seeds, judged after every step), each with the recipe that was soonest at 0.84 on drawn cells
(``--search``). Judging hides a loader's work: so one run says how many steps it takes, three more how long they are.
"""

import argparse
import contextlib
import json
import os
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
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
from headstart.objectives.simclr import SimCLR
from headstart.representation.frozen import represent
from headstart.representation.splits import Split
from headstart.reuse.probe import judged_splits
from headstart.training.fit import encoder_spec, untrained_encoder
from headstart.training.loop import train
from headstart.training.recipe import Recipe, default_recipe
from headstart.views.presets import PRESETS
from headstart.views.views import Views

ROUNDS, BATCH, SEEDS = 5, 256, 5
EVERY = {"real": 1, "drawn": 4}  # steps from one look to the next
WANTED = {"real": 0.9, "drawn": 0.84}  # with 81 labels drawn cells are the harder ones
Watch = Callable[[Encoder], bool]


@dataclass(frozen=True)
class Peer:
    """How lightly's loop is set up: views as its SimCLRTransform takes them, optimiser, rate."""

    transform: dict
    optimiser: str = "sgd"
    rate: float = 0.06
    temperature: float = 0.5
    workers: int = 2
    batch: int = 64


SAME = Peer({"gaussian_blur": 0.5}, batch=BATCH)


def theirs(
    x: torch.Tensor, peer: Peer, *, epochs: int, seed: int = 0, steps: int = 0, watch: Watch | None = None
) -> float:
    """Seconds of training by lightly's loop: PIL images, its transform, torch's data loader with its workers.

    It ends after so many steps, where ``steps`` says how many, or where the watch has seen enough.
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
    encoder = untrained_encoder(encoder_spec("small", x), seed=seed)
    head, criterion = SimCLRProjectionHead(encoder.dim, 256, 128), NTXentLoss(temperature=peer.temperature)
    parameters = [*encoder.parameters(), *head.parameters()]
    make = {"sgd": lambda: torch.optim.SGD(parameters, lr=peer.rate, momentum=0.9, weight_decay=5e-4),
            "adam": lambda: torch.optim.AdamW(parameters, lr=peer.rate, weight_decay=1e-4)}[peer.optimiser]  # fmt: skip
    optimiser = make()
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    several: dict[str, Any] = {"num_workers": peer.workers, "persistent_workers": True} if peer.workers else {}
    loader = DataLoader(Pictures(), min(peer.batch, len(x)), shuffle=True, drop_last=True, **several)
    encoder.train()
    started, taken = time.perf_counter(), 0
    for _ in range(epochs):
        for v1, v2 in loader:
            loss = criterion(head(encoder(v1)), head(encoder(v2)))
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()
            taken += 1
            if taken == steps or (watch and watch(encoder)):
                return time.perf_counter() - started
            encoder.train()
        schedule.step()
    return time.perf_counter() - started


class EnoughError(Exception):
    """The watch has seen what it wanted."""


def ours(
    x: torch.Tensor, views: Views, recipe: Recipe, *, temperature: float = 0.2, steps: int = 0,
    watch: Watch | None = None,
) -> float:  # fmt: skip
    """Seconds of training by our loop, which ends as lightly's does."""
    encoder = untrained_encoder(encoder_spec("small", x), seed=recipe.seed)
    torch.manual_seed(recipe.seed)
    objective, taken = SimCLR(encoder, temperature=temperature), 0

    def look(_: float) -> None:
        nonlocal taken
        taken += 1
        if taken == steps or (watch and watch(encoder)):
            raise EnoughError

    started = time.perf_counter()
    with contextlib.suppress(EnoughError):
        train(objective, x, recipe=recipe, views=views, progress=look)
    return time.perf_counter() - started


def rates(name: str, x: torch.Tensor, epochs: int) -> dict:
    """Images a second of both, in alternating rounds, and their ratio."""
    recipe = Recipe(epochs=epochs, batch_size=BATCH)
    x = x[: len(x) // BATCH * BATCH]  # whole batches, as its loader leaves a smaller last one out
    x = x.repeat(-(-2560 // len(x)), 1, 1, 1)  # and ten of them an epoch, so that it loads while it trains
    tried = {n: theirs(x, replace(SAME, workers=n), epochs=1) for n in (0, 1, 2)}
    peer, pairs = replace(SAME, workers=min(tried, key=lambda n: tried[n])), []
    for _ in range(ROUNDS + 1):
        fast, slow = ours(x, LIGHTLY, recipe), theirs(x, peer, epochs=epochs)
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
    encoder, counted = untrained_encoder(encoder_spec("small", x), seed=0), 0.0

    def count(layer: torch.nn.Conv2d, _: tuple, y: torch.Tensor) -> None:
        nonlocal counted
        counted += 2 * layer.weight.numel() * y.shape[2] * y.shape[3]

    for module in encoder.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(count)
    encoder(x[:1])
    return 2 * 3 * counted


def judge(dataset, x: torch.Tensor) -> Callable[[Encoder], float]:
    """Balanced accuracy of a probe, the mean over 4 folds drawn 5 times."""
    y = dataset.labels[dataset.labelled]
    splits = judged_splits(dataset, folds=4, repeats=5, seed=0)
    parallel = Parallel(n_jobs=os.cpu_count())

    def judged(encoder: Encoder) -> float:
        h = represent(encoder, x[dataset.labelled], symmetric=True)
        return float(np.mean(parallel(delayed(_probe)(h, y, split) for split in splits)))

    return judged


def _probe(h: np.ndarray, y: np.ndarray, split: Split) -> float:
    from headstart.representation.statistics import score
    from headstart.reuse.heads import Head

    predicted = Head("probe", seed=0).fit(h[split.train], y[split.train]).predict(h[split.test])
    return score("balanced_accuracy", y[split.test], predicted, sorted(set(y.tolist())))


def seconds_to(wanted: float, every: int, judged: Callable[[Encoder], float], run: Callable[..., float]) -> dict:
    """Steps of training after which the probe is there, None where it never is, and the seconds that as many take."""
    path: list[float] = []
    steps = 0

    def watch(encoder: Encoder) -> bool:
        nonlocal steps
        steps += 1
        if steps % every == 0:
            path.append(round(judged(encoder), 4))
        return steps % every == 0 and path[-1] >= wanted

    run(watch=watch)
    if path[-1] < wanted:
        return {"steps": None, "seconds": None, "path": path}
    seconds = statistics.median(run(steps=steps) for _ in range(3))
    return {"steps": steps, "seconds": round(seconds, 3), "path": path}


def cells(name: str) -> tuple:
    """Real cells, or drawn ones of the same number and size, at 40 pixels."""
    drawn = name == "drawn"
    dataset = (
        make_cells(482, 81, size=50, seed=7) if drawn else load(Path(os.environ["HEADSTART_DATA"]) / "cells/data.npz")
    )
    return dataset, torch.from_numpy(Pixels.fit(dataset.images, image_size=40)(dataset.images))


# Of those tried, what reached 0.84 on drawn cells soonest (RESULTS.md); loader processes, of use later, begin slowly.
SOON = {"epochs": 20, "learning_rate": 4e-3, "warmup": 0.0, "batch_size": 32}
BEST = Peer(
    {"cj_prob": 0.8, "cj_bright": 0.3, "cj_contrast": 0.3, "min_scale": 0.8, "random_gray_scale": 0.0,
     "gaussian_blur": 0.5,
     "vf_prob": 0.5, "rr_prob": 1.0, "rr_degrees": 180.0},
    optimiser="adam", rate=2e-3, temperature=0.1, workers=0,
)  # fmt: skip


OURS = [
    {**SOON, **changes}
    for changes in (
        {}, {"learning_rate": 2e-3}, {"learning_rate": 8e-3}, {"warmup": 0.05}, {"batch_size": 64},
        {"temperature": 0.1}, {"temperature": 0.05},
    )
]  # fmt: skip
SEARCHED = [
    replace(BEST, **changes)
    for changes in (
        {}, {"rate": 4e-3}, {"rate": 8e-3}, {"temperature": 0.2}, {"temperature": 0.5},
        {"temperature": 0.05}, {"batch": 32}, {"workers": 2},
        {"transform": BEST.transform | {"rr_degrees": None}}, {"transform": BEST.transform | {"min_scale": 0.5}},
        {"optimiser": "sgd", "rate": 0.2},
    )
]  # fmt: skip


def reached(name: str, wanted: float) -> Callable[..., dict]:
    """Seconds to the wanted accuracy on these cells, of a change of our recipe or of a set-up of lightly's loop."""
    dataset, x = cells(name)
    judged, recipe = judge(dataset, x), default_recipe("simclr", len(x))

    def run(way: dict | Peer, seed: int) -> dict:
        if isinstance(way, Peer):
            return seconds_to(wanted, EVERY[name], judged, partial(theirs, x, way, epochs=SOON["epochs"], seed=seed))
        temperature = way.get("temperature", 0.2)
        own = recipe.but(**{k: v for k, v in way.items() if k != "temperature"}, seed=seed)
        run = partial(ours, x, PRESETS["microscopy"], own, temperature=temperature)
        return seconds_to(wanted, EVERY[name], judged, run)

    return run


def searched() -> Iterator[dict]:
    """Seconds to 0.84 on drawn cells, a row a change of our recipe, then of lightly's settings, seed 0."""
    run = reached("drawn", WANTED["drawn"])
    for way in [*OURS, *SEARCHED]:
        yield {"way": way if isinstance(way, dict) else asdict(way), **run(way, 0)}


def accuracy(name: str, wanted: float, done: set[int]) -> Iterator[dict]:
    """Seconds to the wanted accuracy, a row a seed that is not done."""
    run = reached(name, wanted)
    for seed in sorted(set(range(SEEDS)) - done):
        yield {"seed": seed, "ours": run(SOON, seed), "lightly": run(BEST, seed)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accuracy", choices=["real", "drawn"], help="seconds to 0.90 (0.84) on these cells")
    parser.add_argument("--wanted", type=float, help="another accuracy")
    parser.add_argument("--out", type=Path, help="file of --accuracy, a line a seed; a second call goes on")
    parser.add_argument("--search", action="store_true", help="settings of both loops on drawn cells")
    parser.add_argument("--epochs", type=int, default=4)
    chosen = parser.parse_args()
    if chosen.search:
        for row in searched():
            print(json.dumps(row), flush=True)
        return
    if chosen.accuracy:
        wanted = chosen.wanted or WANTED[chosen.accuracy]
        rows = [json.loads(line) for line in chosen.out.open()] if chosen.out.exists() else []
        for row in accuracy(chosen.accuracy, wanted, {row["seed"] for row in rows}):
            with chosen.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(row, flush=True)
            rows.append(row)
        fast, slow = (
            statistics.median(row[key]["seconds"] or float("inf") for row in rows) for key in ("ours", "lightly")
        )
        print(f"median seconds to {wanted}: {fast} and {slow}, {slow / fast:.2f} times as fast")
        return
    dataset = load("cifar10", data_root=os.environ["HEADSTART_DATA"])
    found = [
        rates("cells", cells("real")[1], chosen.epochs),
        rates("cifar10", torch.from_numpy(Pixels.fit(dataset.images[:2560])(dataset.images[:2560])), chosen.epochs),
    ]
    for row in found:
        print(row, flush=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
