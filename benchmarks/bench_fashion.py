"""What stands in the way on Fashion-MNIST? Encoders by labels a class, beside one that all labels taught.

``python benchmarks/bench_fashion.py OUT``, where OUT holds what ``bench_methods.py OUT --only fashion-mnist`` made. The
same probe, draws and test images for every representation: pixels, the untrained encoder, each method's, and that of an
encoder trained with all 10,000 labels, which no method may see. Then the share of the errors that are between clothes
for the upper body, and the accuracy where these count as one class.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from bench_methods import METHODS, UNLABELLED
from headstart.data.load import load
from headstart.data.pixels import Pixels
from headstart.representation.bundle import load_bundle
from headstart.representation.frozen import represent
from headstart.reuse.heads import Head
from headstart.training.fit import encoder_spec, fit_encoder, untrained_encoder
from headstart.training.method import Method
from headstart.training.recipe import Recipe
from headstart.training.training_set import TrainingSet
from headstart.views.presets import PRESETS

LABELS, DRAWS = (10, 100, 1000), 5
UPPER = ("T-shirt/top", "Pullover", "Dress", "Coat", "Shirt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", default=Path("runs/bench-fashion.jsonl"), type=Path)
    out = parser.parse_args().out
    out.parent.mkdir(parents=True, exist_ok=True)
    dataset = load("fashion-mnist")
    rows = np.random.default_rng(1).permutation(60_000)[:UNLABELLED]
    images, y, test, y_test = (
        dataset.images[rows],
        dataset.labels[rows],
        dataset.images[60_000:],
        dataset.labels[60_000:],
    )
    x, x_test = (torch.from_numpy(Pixels.fit(images)(some)) for some in (images, test))
    spec, method = encoder_spec("small", TrainingSet.of(x)), Method("supervised")
    taught = fit_encoder(
        method,
        TrainingSet.of(x, torch.from_numpy(y), views=PRESETS["objects"]),
        spec=spec,
        recipe=Recipe().resolve(method, len(x)),
        classes=10,
    ).encoder
    shown = {"pixels": (x.flatten(1).numpy(), x_test.flatten(1).numpy())}
    for name, encoder in (("untrained", untrained_encoder(spec, seed=0)), ("all labels", taught)):
        shown[name] = (represent(encoder, x), represent(encoder, x_test))
    for name in METHODS:
        if (folder := out / f"fashion-mnist.{name}.0").is_dir():
            bundle = load_bundle(folder)
            shown[name] = tuple(bundle.represent(torch.from_numpy(bundle.pixels(some))) for some in (images, test))
    upper = np.isin(y_test, [dataset.class_names.index(name) for name in UPPER])
    for name, (h, h_test) in shown.items():
        cells = []
        for labels in LABELS:
            found = [judged(h, y, h_test, y_test, upper, labels, draw) for draw in range(DRAWS if labels < 1000 else 1)]
            right, within, merged = np.mean(found, axis=0)
            cells.append(f"{labels}: {right:.3f}, {within:.2f} of the errors among them, merged {merged:.3f}")
        print(f"{name:14} {'; '.join(cells)}", flush=True)


def judged(
    h: np.ndarray, y: np.ndarray, h_test: np.ndarray, y_test: np.ndarray, upper: np.ndarray, labels: int, draw: int
) -> tuple[float, float, float]:
    """Accuracy; share of the errors from one class of the upper body to another; accuracy with these as one."""
    order = np.random.default_rng(draw).permutation(len(y))
    train = np.concatenate([order[y[order] == k][:labels] for k in range(10)])
    predicted = Head("probe", seed=0).fit(h[train], y[train]).predict(h_test)
    classes = np.unique(y_test[upper])
    among = upper & np.isin(predicted, classes)
    wrong = predicted != y_test
    return float(1 - wrong.mean()), float((wrong & among).sum() / wrong.sum()), float(1 - (wrong & ~among).mean())


if __name__ == "__main__":
    main()
