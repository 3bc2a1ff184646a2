"""SimCLR with ResNet-18 on CIFAR-10: images a second, the same of a loop with a data loader, and k-NN against minutes.

``python benchmarks/gpu.py FOLDER [--minutes 9] [--toy]`` fits one call of ten minutes and goes on where the last one
stopped: first the throughput of both loops, then 100 epochs, k-NN (k = 10, cosine, train images only as neighbours)
every five. Everything is kept in FOLDER: rates.json, knn.jsonl, log.csv and the checkpoint. ``--toy`` is the same path
in seconds, on a processor.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.data.load import load
from headstart.data.pixels import Pixels
from headstart.objectives.simclr import SimCLR, nt_xent
from headstart.training.fit import encoder_spec, untrained_encoder
from headstart.training.loop import train
from headstart.training.recipe import Recipe
from headstart.training.run import Run
from headstart.training.training_set import TrainingSet
from headstart.views.presets import PRESETS

BATCH, EPOCHS, EVERY = 512, 100, 5
NEIGHBOURS = 10


class TimeIsUpError(Exception):
    """The call is nearly over; the next one resumes."""


def images(*, toy: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training and test images in [0, 1] with their labels: CIFAR-10, or as many random ones as a test wants."""
    if toy:
        x, y = torch.rand(48, 3, 32, 32, generator=torch.Generator().manual_seed(0)), torch.arange(48) % 3
        return x[:32], y[:32], x[32:], y[32:]
    dataset = load("cifar10", data_root=os.environ["HEADSTART_DATA"])
    x = torch.from_numpy(Pixels.fit(dataset.images)(dataset.images))
    y, test = torch.from_numpy(dataset.labels), torch.from_numpy(np.asarray(dataset.splits) == "test")
    return x[~test], y[~test], x[test], y[test]


def simclr(x: Tensor, *, small: bool) -> SimCLR:
    """The objective around a fresh ResNet-18."""
    torch.manual_seed(0)
    encoder = untrained_encoder(encoder_spec("small" if small else "resnet18", TrainingSet.of(x[:1000])), seed=0)
    return SimCLR(encoder, temperature=0.2, hidden=512, width=128)


def rate(x: Tensor, recipe: Recipe, device: str, *, small: bool) -> float:
    """Images a second of our loop, without the epoch that warms up."""
    times: list[float] = []

    def watch(*_: object) -> None:
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter())

    train(
        simclr(x, small=small),
        TrainingSet.of(x, views=PRESETS["natural"]),
        recipe=recipe.replace(epochs=3),
        run=Run(device=device, watch=watch),
    )
    return len(x) * 2 / (times[-1] - times[-3])


def loader_rate(x: Tensor, recipe: Recipe, device: str, *, small: bool, steps: int) -> float:
    """Images a second of the usual loop: PIL images, torchvision's transforms, a worker a core, one loss a step."""
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset
    from torchvision import transforms

    jitter = transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)
    change = transforms.Compose([
        transforms.RandomResizedCrop(32, (0.2, 1.0)), transforms.RandomHorizontalFlip(),
        transforms.RandomApply([jitter], 0.8), transforms.RandomGrayscale(0.2),
        transforms.RandomApply([transforms.GaussianBlur(3, (0.1, 0.8))], 0.5), transforms.ToTensor(),
    ])  # fmt: skip
    stored = (x.permute(0, 2, 3, 1).numpy() * 255).round().astype(np.uint8)

    class Pictures(Dataset):
        def __len__(self) -> int:
            return len(stored)

        def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
            picture = Image.fromarray(stored[i])
            return change(picture), change(picture)

    objective = simclr(x, small=small).to(device).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(objective.parameters(), lr=recipe.learning_rate)
    batch, workers = min(recipe.batch_size, len(x) // 2), 0 if small else os.cpu_count() or 1
    loader = DataLoader(
        Pictures(), batch, shuffle=True, drop_last=True, num_workers=workers, pin_memory=device == "cuda"
    )
    seen, started = 0, 0.0
    for step, views in enumerate(loader):
        if step == 2:
            seen, started = 0, time.perf_counter()
        v = torch.cat(views).to(device, memory_format=torch.channels_last, non_blocking=True)
        with torch.autocast(device, dtype=torch.bfloat16, enabled=recipe.precision == "bf16"):
            z1, z2 = objective.projector(objective.encoder(v)).chunk(2)
            loss = nt_xent(z1, z2, temperature=0.2)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        loss.item()
        seen += len(v) // 2
        if step == steps:
            break
    return seen / max(1e-9, time.perf_counter() - started) if started else float("nan")


@torch.inference_mode()
def knn(encoder: nn.Module, x: Tensor, y: Tensor, x_test: Tensor, y_test: Tensor, device: str) -> float:
    """Accuracy of a vote of the ten nearest training images by cosine."""

    def unit(images: Tensor) -> Tensor:
        parts = [encoder(part.to(device, memory_format=torch.channels_last)).float() for part in images.split(500)]
        return functional.normalize(torch.cat(parts), dim=1)

    known, right = unit(x), 0
    for h, wanted in zip(unit(x_test).split(500), y_test.split(500), strict=True):
        nearest = (h @ known.T).topk(NEIGHBOURS, dim=1).indices.cpu()
        votes = functional.one_hot(y[nearest], int(y.max()) + 1).sum(1)
        right += int((votes.argmax(1) == wanted).sum())
    return right / len(x_test)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--toy", action="store_true")
    chosen = parser.parse_args(argv)
    deadline = time.monotonic() + 60 * chosen.minutes
    device = "cuda" if torch.cuda.is_available() and not chosen.toy else "cpu"
    chosen.folder.mkdir(parents=True, exist_ok=True)
    x, y, x_test, y_test = images(toy=chosen.toy)
    recipe = Recipe(
        epochs=chosen.epochs, batch_size=16 if chosen.toy else BATCH, learning_rate=2e-3,
        precision="bf16" if device == "cuda" else "float32",
    )  # fmt: skip
    told = chosen.folder / "rates.json"
    if not told.exists():
        some = x if chosen.toy else x[:20_480]
        ours = rate(some, recipe, device, small=chosen.toy)
        theirs = loader_rate(some, recipe, device, small=chosen.toy, steps=3 if chosen.toy else 30)
        name = torch.cuda.get_device_name() if device == "cuda" else "processor"
        told.write_text(json.dumps({"ours": ours, "loader": theirs, "ratio": ours / theirs, "device": name}))
        print(told.read_text(), flush=True)

    objective = simclr(x, small=chosen.toy)
    curve = chosen.folder / "knn.jsonl"

    def watch(seen: SimCLR, rows: list) -> None:
        if rows and (int(rows[-1]["epoch"]) + 1) % EVERY == 0:
            seen.eval()
            found = knn(seen.encoder, x, y, x_test, y_test, device)
            row = {"epoch": int(rows[-1]["epoch"]) + 1, "minutes": rows[-1]["seconds"] / 60, "knn": found}
            with curve.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(row, flush=True)
        if time.monotonic() > deadline:
            raise TimeIsUpError

    try:
        run = Run(chosen.folder, resume=True, device=device, watch=watch)
        train(objective, TrainingSet.of(x, views=PRESETS["natural"]), recipe=recipe, run=run)
    except TimeIsUpError:
        print("time is up: call it again to go on")


if __name__ == "__main__":
    main()
