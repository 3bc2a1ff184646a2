"""Is the doctor right on runs whose fate is known? Five healthy and five broken ones, none of which set a threshold.

``python benchmarks/bench_doctor.py`` prints a line a run: what was wanted, which verdict came first, and how much the
labels say that it learned. ``--development``: the runs that set the thresholds, on digits, MNIST and drawn cells.
"""

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from headstart.data.load import load
from headstart.data.pixels import Pixels
from headstart.objectives.byol import BYOL
from headstart.objectives.objective import Batch, Objective, Terms
from headstart.objectives.simsiam import SimSiam, negative_cosine
from headstart.representation.doctor import diagnose
from headstart.representation.health import Monitor
from headstart.training.fit import encoder_spec, untrained_encoder
from headstart.training.loop import train
from headstart.training.method import Method
from headstart.training.recipe import Recipe
from headstart.training.run import Run
from headstart.training.training_set import TrainingSet
from headstart.views.presets import PRESETS
from headstart.views.views import Views

NATURAL = PRESETS["natural"]
GEOMETRY = replace(NATURAL, brightness=(1, 1), contrast=(1, 1), saturation=(1, 1), hue=(0, 0), grey=0.0)


@dataclass(frozen=True)
class Trial:
    """data, method, views: as in a study. wanted: the code, or healthy. broken: turns the objective into a bad one."""

    data: str
    method: str
    views: Views
    wanted: str = "healthy"
    broken: Callable[[Objective], Objective] = lambda objective: objective
    options: dict | None = None


class WithoutStopGradient(SimSiam):
    """SimSiam as its paper's figure 2 breaks it."""

    def forward(self, batch: Batch) -> Terms:
        """Equation 4 without the stop."""
        z = self.projector(self.encoder(torch.cat(batch.views)))
        (z1, z2), (p1, p2) = (part.chunk(2) for part in (z, self.predictor(z)))
        return {"similarity": (negative_cosine(p1, z2) + negative_cosine(p2, z1)) / 2}


def without_teacher(objective: Objective) -> Objective:
    """BYOL whose teacher is the network of the step before, and that predicts nothing."""
    assert isinstance(objective, BYOL)
    objective.predictor, objective.momentum = torch.nn.Identity(), 0.0
    objective.after_step = lambda progress: objective.teacher.follow(
        objective.encoder, objective.projector, momentum=0.0
    )
    return objective


RUNS = (
    Trial("real-cells", "vicreg", PRESETS["microscopy"]),
    Trial("real-cells", "moco", PRESETS["microscopy"]),
    Trial("cifar10", "moco", NATURAL),
    Trial("cifar10", "barlow_twins", NATURAL),
    Trial("omniglot", "simclr", PRESETS["digits"]),
    Trial("real-cells", "simsiam", PRESETS["microscopy"], "D001", lambda o: WithoutStopGradient(o.encoder)),
    Trial("fashion-mnist", "byol", PRESETS["digits"], "D001", without_teacher),
    Trial("cifar10", "simclr", GEOMETRY, "D002"),
    Trial("real-cells", "simclr", PRESETS["identity"], "D004"),
    Trial("cifar10", "simclr", NATURAL, "D005", options={"temperature": 10.0}),
)

DEVELOPMENT = tuple(
    Trial(data, method, views)
    for data, views in (("digits", PRESETS["digits"]), ("mnist", PRESETS["digits"]), ("cells", PRESETS["microscopy"]))
    for method in ("simclr", "moco", "byol", "simsiam", "barlow_twins", "vicreg", "dino")
) + tuple(
    Trial(data, *broken)
    for data in ("digits", "mnist", "cells")
    for broken in (
        ("simsiam", PRESETS["digits"], "D001", lambda o: WithoutStopGradient(o.encoder)),
        ("byol", PRESETS["digits"], "D001", without_teacher),
        ("simclr", PRESETS["identity"], "D004"),
        ("simclr", PRESETS["digits"], "D005", lambda o: o, {"temperature": 10.0}),
    )
)


def images(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """At most 4,000 images and their labels; those of Omniglot are the alphabets."""
    root = Path(os.environ["HEADSTART_DATA"])
    if name == "omniglot":
        with np.load(root / "omniglot" / "omniglot28.npz", allow_pickle=False) as file:
            dataset = load({"images": file["images"], "labels": file["alphabet"].astype(np.int64)})
    else:
        dataset = load(root / "cells" / "data.npz" if name == "real-cells" else name)
    rows = np.random.default_rng(0).permutation(len(dataset))[:4000]
    x, y = dataset.images[rows], torch.from_numpy(dataset.labels[rows])
    return torch.from_numpy(Pixels.fit(x)(x)), y


def codes(run: Trial, looks: int) -> tuple[list[str], dict, dict]:
    """The doctor's verdicts against a run, its first and its last look; these know the labels, the verdicts do not."""
    x, y = images(run.data)
    torch.manual_seed(11)
    encoder = untrained_encoder(
        encoder_spec(Method(run.method).default_encoder(), TrainingSet.of(x), symmetric=run.views.symmetric),
        seed=11,
    )
    data = TrainingSet.of(x, y, views=run.views)
    made = Method(run.method, **(run.options or {})).make(encoder, shape=tuple(x.shape[1:]), seed=11)
    recipe = Recipe(seed=11).resolve(run.method, len(x))
    recipe = recipe.replace(epochs=max(3, min(recipe.epochs, round(looks / len(x)))))
    monitor = Monitor(data, views=run.views, epochs=recipe.epochs)
    train(run.broken(made), data, recipe=recipe, run=Run(watch=monitor))
    return [v.code for v in diagnose(monitor.rows) if v.against], monitor.rows[0], monitor.rows[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--looks", type=int, default=80_000)
    parser.add_argument("--development", action="store_true", help="the runs by which thresholds were set")
    chosen, right = parser.parse_args(), 0
    runs = DEVELOPMENT if chosen.development else RUNS
    for run in runs:
        found, first, last = codes(run, chosen.looks)
        fine = found[:1] == ([] if run.wanted == "healthy" else [run.wanted])
        right += fine
        print(
            "right:" if fine else "WRONG:",
            f"{run.data} {run.method}, wanted {run.wanted}, found {found or 'healthy'}; "
            f"k-NN {first['knn']:.3f} untrained, {last['knn']:.3f} trained; "
            + ", ".join(
                f"{k} {last[k]:.3f}" for k in ("top1", "spread", "rank_z", "pixels", "light", "flatness") if k in last
            ),
            flush=True,
        )
    print(f"{right} of {len(runs)} right")


if __name__ == "__main__":
    main()
