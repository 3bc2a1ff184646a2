"""By what should a probe choose its penalty? Rules compared on SimCLR's vectors of drawn cells, and on pixels.

Run: ``python benchmarks/bench_heads.py [--seeds 0 1]``: trains an encoder a seed (minutes), prints a line a setting.
"""

import argparse
import json

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import recall_score

from bench_recipes import data
from headstart.data.pixels import Pixels
from headstart.representation.frozen import represent
from headstart.reuse.heads import GRIDS, Head, _fitted, inner_folds
from headstart.training.fit import encoder_spec, fit_encoder
from headstart.training.method import Method
from headstart.training.recipe import Recipe
from headstart.training.training_set import TrainingSet
from headstart.views.presets import PRESETS

GRID = GRIDS["probe"]


def compare(h: np.ndarray, y: np.ndarray, labels: int, draws: int) -> dict[str, float]:
    """Mean balanced accuracy on the images not drawn, by rule; ``oracle`` knows which candidate will be best there."""
    found: dict[str, list[float]] = {}
    for draw in range(draws):
        order = np.random.default_rng(100 + draw).permutation(len(y))
        train, test = order[:labels], order[labels:]
        tested = [
            recall_score(y[test], _fitted("probe", c, h[train], y[train]).predict(h[test]), average="macro")
            for c in GRID
        ]
        for rule, candidate in choices(h[train], y[train]).items():
            found.setdefault(rule, []).append(tested[candidate])
        found.setdefault("oracle", []).append(max(tested))
    return {rule: round(float(np.mean(scores)), 4) for rule, scores in found.items()}


def choices(h: np.ndarray, y: np.ndarray) -> dict[str, int]:
    """Rule -> the candidate's number, from inner folds of the training labels."""
    head = Head("probe")
    head.classes_ = np.unique(y)
    assert inner_folds(y, None, 0)
    scores, likelihoods = head._inner(h, y, None, GRID)
    means, merit = scores.mean(1), likelihoods.mean(1)
    error = scores[means.argmax()].std(ddof=1) / np.sqrt(scores.shape[1])
    within = {share: np.where(means >= means.max() - share * error, merit, -np.inf).argmax() for share in (0.5, 1.0)}
    return {
        "score": int(means.argmax()), "likelihood": int(merit.argmax()),
        "likelihood within half a standard error": int(within[0.5]),
        "likelihood within a standard error": int(within[1.0]),
    }  # fmt: skip


def vectors(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """h by the default SimCLR, pixels, and labels of 400 drawn cells at 50 pixels, 482 others seen."""
    dataset, labels = data("cells482", seed)
    x = torch.from_numpy(Pixels.fit(dataset.images)(dataset.images))
    u, rows = np.flatnonzero(labels < 0), np.flatnonzero(labels >= 0)
    method, views = Method("simclr"), PRESETS["microscopy"]
    recipe, spec = (
        Recipe(seed=seed).resolve(method, len(u)),
        encoder_spec("small", TrainingSet.of(x[u]), symmetric=views.symmetric),
    )
    encoder = fit_encoder(method, TrainingSet.of(x[u], views=views, index=u), spec=spec, recipe=recipe).encoder
    return represent(encoder, x[rows], symmetric=True), x[rows].flatten(1).numpy(), labels[rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1])
    torch.set_num_threads(1)
    for seed in parser.parse_args().seeds:
        h, pixels, y = vectors(seed)
        for what, x, labels, draws in (("h", h, 61, 16), ("h", h, 200, 8), ("pixels", pixels, 61, 8)):
            print(json.dumps({"seed": seed, "of": what, "labels": labels, **compare(x, y, labels, draws)}), flush=True)
    digits = load_digits()
    print(json.dumps({"of": "digits", "labels": 200, **compare(digits.data / 16, digits.target, 200, 6)}))


if __name__ == "__main__":
    main()
