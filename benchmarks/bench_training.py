"""How fast is the loop? The lecture's network, trained by it and by a plain eager loop, beside the machine's GEMM rate.

Same weights, images, batch and optimiser; one thread; alternating, so that a noisy machine disturbs both alike.
Run: ``python benchmarks/bench_training.py``; prints a table and one line of JSON. The peer is torch itself, written as
a tutorial would: contiguous tensors, ``AdamW`` with its defaults, a host synchronisation a step for the loss.
"""

import json
import statistics
import time

import torch
from torch import nn
from torch.nn import functional

from headstart.encoders.build import EncoderSpec, build_encoder
from headstart.objectives.supervised import Supervised
from headstart.training.loop import train
from headstart.training.recipe import Recipe
from headstart.training.training_set import TrainingSet

IMAGES, CLASSES, ROUNDS = 512, 10, 5


def network(size: int) -> Supervised:
    torch.manual_seed(0)
    return Supervised(build_encoder(EncoderSpec("lecture", 1, (size, size), (0.5,), (0.25,))), classes=CLASSES)


def ours(size: int, batch: int, x: torch.Tensor, y: torch.Tensor) -> float:
    objective = network(size)
    started = time.perf_counter()
    train(objective, TrainingSet.of(x, y), recipe=Recipe(epochs=1, batch_size=batch))
    return IMAGES / (time.perf_counter() - started)


def plain(size: int, batch: int, x: torch.Tensor, y: torch.Tensor) -> float:
    objective = network(size)
    model = nn.Sequential(objective.encoder, objective.head)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-4)
    started = time.perf_counter()
    model.train()
    for rows in torch.randperm(IMAGES).split(batch):
        optimiser.zero_grad()
        loss = functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimiser.step()
        loss.item()
    return IMAGES / (time.perf_counter() - started)


def flops_an_image(size: int) -> float:
    """Multiplications and additions of the convolutions, forwards and twice backwards."""
    full, half = size * size, (size // 2) ** 2
    return 3 * 2 * 9 * (full * (1 * 32 + 32 * 32) + half * (32 * 64 + 64 * 64))


def gemm_rate() -> float:
    """Floating point operations a second of a 1024³ float32 product, the best of ten."""
    a, b = torch.rand(1024, 1024), torch.rand(1024, 1024)
    times = []
    for _ in range(10):
        started = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - started)
    return 2 * 1024**3 / min(times)


def main() -> None:
    torch.set_num_threads(1)
    found = []
    for size in (28, 40):
        x, y = torch.rand(IMAGES, 1, size, size), torch.randint(0, CLASSES, (IMAGES,))
        for batch in (64, 256):
            ours(size, batch, x, y)
            plain(size, batch, x, y)
            pairs = [(ours(size, batch, x, y), plain(size, batch, x, y), gemm_rate()) for _ in range(ROUNDS)]
            a, b, gemm = (statistics.median(column) for column in zip(*pairs, strict=True))
            row = {
                "size": size, "batch": batch, "ours": round(a), "plain": round(b),
                "ratio": round(statistics.median(p[0] / p[1] for p in pairs), 2),
                "ratios": [round(p[0] / p[1], 2) for p in pairs],
                "gemm_gflops": round(gemm / 1e9, 1), "gemm_share": round(a * flops_an_image(size) / gemm, 3),
            }  # fmt: skip
            print(row, flush=True)
            found.append(row)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
