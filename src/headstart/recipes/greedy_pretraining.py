"""Layers that learned without labels, one on top of the other, make deep networks trainable and few labels enough.

The textbook's algorithm: each layer learns from what the layers below make of the images, by any learner; then the
stack is fine-tuned on the labels. Against it stands the same stack with random weights and the same fine-tuning. One
question is asked at a time around one base, denoising autoencoders, three layers of sigmoid units, a hundred labels a
class: how deep, how many labels, which learner? The first two are asked of sigmoid units, of tanh units, and of ReLU
with dropout, which, the lecture says, made pretraining unnecessary. An RBM is defined for sigmoid units only.

The papers say that pretraining lowers the error more the deeper the network is (random sigmoid networks of four
layers hardly learn), and more the fewer labels there are. A gain is the error without pretraining less the error
with it, of the same first weights and the same labelled images; its interval is over draws of both.

Bengio, Lamblin, Popovici, Larochelle. Greedy layer-wise training of deep networks. NIPS 2006; Erhan, Bengio,
Courville, Manzagol, Vincent, Bengio. Why does unsupervised pre-training help deep learning? JMLR 11, 2010 (section
6.1, figures 1 and 2). Differs: AdamW, narrower layers, fixed epochs in place of early stopping.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from headstart.evaluation.statistics import Difference, interval, paired
from headstart.recipes.work import Found, Ranges, Work
from headstart.report import words

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.encoders.stages import Activation, Staged
    from headstart.recipes.given import Given
    from headstart.report.elements import Html
    from headstart.report.plots import Curve
    from headstart.training.recipe import Recipe

TOPIC = "Greedy layer-wise pretraining"
EXPECTED: Ranges = {
    "error_sigmoid_without": (0.11, 0.2),
    "error_relu_without": (0.08, 0.12),
    "gain_sigmoid_low": (0.0, 0.05),
    "gain_tanh": (-0.005, 0.02),
    "gain_relu": (-0.01, 0.02),
    "gain_depth_1": (-0.01, 0.015),
    "gain_depth_4": (0.01, 0.08),
    "gain_10_labels": (0.03, 0.13),
    "gain_all_labels": (0.0, 0.015),
    "deeper_gains_more_low": (0.0, 0.05),
    "fewer_labels_gain_more_low": (0.01, 0.1),
    "gain_rbm": (0.03, 0.09),
}
QUICK: Ranges = {
    "error_sigmoid_without": (0.25, 0.55),
    "error_relu_without": (0.12, 0.25),
    "gain_sigmoid_low": (-0.05, 0.3),
    "gain_tanh": (-0.01, 0.02),
    "gain_relu": (-0.05, 0.05),
    "gain_depth_1": (-0.02, 0.03),
    "gain_depth_4": (0.1, 0.5),
    "deeper_gains_more_low": (0.0, 0.45),
    "gain_10_labels": (0.03, 0.35),
    "gain_all_labels": (0.02, 0.35),
    "fewer_labels_gain_more_low": (-0.5, 0.1),
    "gain_rbm": (0.15, 0.45),
}
ACTIVATIONS: "dict[Activation, float]" = {"sigmoid": 0.0, "tanh": 0.0, "relu": 0.5}  # and their dropout
LEARNERS = {"denoising": 2e-3, "autoencoder": 2e-3, "sparse": 2e-3, "rbm": 1e-2, "simclr": 2e-3}  # and their rate
WITHOUT, BASE = "none", "denoising"
DEPTHS, DEPTH, FEW = (1, 2, 3, 4), 3, 100
ALL = 10_000  # labels a class: more than there are
LONGER = 4


class Tuning(NamedTuple):
    """Epochs and batch on so many labels a class, the same with and without pretraining."""

    epochs: int
    batch: int


class Plan(NamedTuple):
    """Draws, images (all: none), width, epochs and batch of pretraining a layer, and labels a class -> tuning."""

    draws: int
    images: int | None
    width: int
    layer_epochs: int
    layer_batch: int
    tuning: dict[int, Tuning]
    rate: float = 1e-3


FULL = Plan(8, None, 200, 4, 128, {10: Tuning(150, 32), FEW: Tuning(40, 32), 1000: Tuning(15, 64), ALL: Tuning(8, 128)})
SMALL = Plan(4, 5000, 100, 5, 32, {10: Tuning(60, 32), FEW: Tuning(12, 32), ALL: Tuning(5, 64)})


class Cell(NamedTuple):
    """One network: so many of the stack's lowest layers, tuned on so many labels a class, ``times`` as long."""

    depth: int
    labels: int
    times: int = 1


Errors = dict[tuple[str, str, Cell], np.ndarray]


def run(work: Work) -> Found:
    """Train every stack, cut it at every depth, tune it on every number of labels, and compare."""
    from headstart.recipes.given import given

    plan = SMALL if work.quick else FULL
    mnist = given(work, "mnist", train=plan.images)
    errors = trained(work, mnist, plan)
    metrics = measured(errors)
    return Found(metrics, _says(errors), _sections(work, plan, len(mnist.y) // len(mnist.class_names), errors))


def cells(activation: str, learner: str, labels: tuple[int, ...]) -> list[Cell]:
    """The networks that a stack is cut and tuned to: every depth at the base's labels, all labels at its depth.

    Learners other than the base's leave out the many labels; the random sigmoid stack is tuned longer, too.
    """
    at_depth = labels if learner in (WITHOUT, BASE) else [k for k in labels if k <= FEW]
    asked = [*(Cell(depth, FEW) for depth in DEPTHS), *(Cell(DEPTH, k) for k in at_depth if k != FEW)]
    return [*asked, Cell(DEPTHS[-1], FEW, LONGER)] if (activation, learner) == ("sigmoid", WITHOUT) else asked


def trained(work: Work, mnist: "Given", plan: Plan) -> Errors:
    """Test error by activation, learner and cell, (draws,). A draw is the first weights, the order and the labels."""
    from headstart.recipes.side_by_side import side_by_side

    images = {"x": mnist.x.numpy(), "y": mnist.y, "test_x": mnist.test_x.numpy(), "test_y": mnist.test_y, "plan": plan}
    stacks = [(activation, learner) for activation in ACTIVATIONS for learner in (BASE, WITHOUT)]
    stacks = [("sigmoid", "simclr"), *stacks, *(("sigmoid", k) for k in LEARNERS if k not in (BASE, "simclr"))]
    seeds = [1000 * work.seed + draw for draw in range(plan.draws)]
    tasks = {
        f"{activation}-{learner}-{seed}": {
            **images, "activation": activation, "learner": learner, "seed": seed,
            "labelled": {k: mnist.drawn(k, seed) for k in plan.tuning},
        }
        for activation, learner in stacks for seed in seeds
    }  # fmt: skip
    parts = side_by_side(work, tuned, tasks, now="stacks are pretrained and tuned")
    return {
        (activation, learner, cell): np.array([parts[f"{activation}-{learner}-{s}"][_key(cell)] for s in seeds], float)
        for activation, learner in stacks for cell in cells(activation, learner, tuple(plan.tuning))
    }  # fmt: skip


def tuned(
    x: np.ndarray, y: np.ndarray, test_x: np.ndarray, test_y: np.ndarray, *, plan: Plan, activation: "Activation",
    learner: str, seed: int, labelled: dict[int, np.ndarray],
) -> dict[str, float]:  # fmt: skip
    """The test error of each of a stack's cells."""
    import torch

    from headstart.recipes.stacks import error, finetuned, lowest, probabilities, stack
    from headstart.training.recipe import Recipe

    images, test, shape = torch.from_numpy(x), torch.from_numpy(test_x), (x.shape[1], x.shape[2], x.shape[3])
    whole = stack(
        shape, depth=DEPTHS[-1], width=plan.width, activation=activation, seed=seed, dropout=ACTIVATIONS[activation]
    )
    recipe = Recipe(learning_rate=plan.rate, optimiser="adamw", seed=seed)
    if learner != WITHOUT:
        pretrain(whole, images, learner, plan, recipe)
    found = {}
    for cell in cells(activation, learner, tuple(labelled)):
        rows, tuning = labelled[cell.labels], plan.tuning[cell.labels]
        network = finetuned(
            lowest(whole, cell.depth), images[rows], y[rows], classes=int(y.max()) + 1,
            recipe=recipe.replace(epochs=cell.times * tuning.epochs, batch_size=tuning.batch),
        )  # fmt: skip
        found[_key(cell)] = error(probabilities(network, test), test_y)
    return found


def pretrain(whole: "Staged", images: "Tensor", learner: str, plan: Plan, recipe: "Recipe") -> None:
    """Every layer in turn, by the learner, on images without labels; only views that SimCLR draws are no images."""
    from headstart.training.layerwise import pretrain_layerwise
    from headstart.training.training_set import TrainingSet
    from headstart.views.presets import PRESETS

    recipe = recipe.replace(
        epochs=len(DEPTHS) * plan.layer_epochs, batch_size=plan.layer_batch, learning_rate=LEARNERS[learner]
    )
    views = PRESETS["digits"] if learner == "simclr" else None
    pretrain_layerwise(whole, TrainingSet.of(images, views=views), learner=learner, recipe=recipe)


def _key(cell: Cell) -> str:
    return f"depth{cell.depth}_labels{cell.labels}_times{cell.times}"


def gain(
    errors: Errors, activation: str, cell: Cell, *, learner: str = BASE, against: Cell | None = None
) -> Difference:
    """The error without pretraining less that with it, paired over draws, with its 95 % interval."""
    without = errors[activation, WITHOUT, against or cell]
    return paired(without, errors[activation, learner, cell], ratio=0.0)


def measured(errors: Errors) -> dict[str, float]:
    """The gains along every axis, those of the activations with their intervals, and two errors to compare with."""
    base, deepest = Cell(DEPTH, FEW), Cell(DEPTHS[-1], FEW)
    found = {"error_sigmoid_without": float(errors["sigmoid", WITHOUT, base].mean()),
             "error_relu_without": float(errors["relu", WITHOUT, base].mean())}  # fmt: skip
    for activation in ACTIVATIONS:
        of = gain(errors, activation, base)
        found |= {f"gain_{activation}": of.difference, f"gain_{activation}_low": of.low,
                  f"gain_{activation}_high": of.high}  # fmt: skip
    for depth in DEPTHS:
        found[f"gain_depth_{depth}"] = gain(errors, "sigmoid", Cell(depth, FEW)).difference
    ends = {"deeper_gains_more": (Cell(DEPTHS[-1], FEW), Cell(DEPTHS[0], FEW)),
            "fewer_labels_gain_more": (Cell(DEPTH, 10), Cell(DEPTH, ALL))}  # fmt: skip
    for name, (more, less) in ends.items():
        of = paired(_gained(errors, more), _gained(errors, less), ratio=0.0)
        found |= {name: of.difference, f"{name}_low": of.low, f"{name}_high": of.high}
    longer = gain(errors, "sigmoid", deepest, against=deepest._replace(times=LONGER))
    found[f"gain_depth_{DEPTHS[-1]}_against_longer"] = longer.difference
    for name, labels in (("10", 10), ("all", ALL)):
        found[f"gain_{name}_labels"] = gain(errors, "sigmoid", Cell(DEPTH, labels)).difference
    for learner in LEARNERS:
        found[f"gain_{learner}"] = gain(errors, "sigmoid", base, learner=learner).difference
    return found


def _gained(errors: Errors, cell: Cell) -> np.ndarray:
    """The base's gain in each draw, (draws,)."""
    return errors["sigmoid", WITHOUT, cell] - errors["sigmoid", BASE, cell]


def _says(errors: Errors) -> str:
    """What pretraining brings to sigmoid layers, and what it brings to ReLU with dropout."""
    base = Cell(DEPTH, FEW)
    sigmoid = _difference(gain(errors, "sigmoid", base), f"{DEPTH} sigmoid layers")
    relu = _difference(gain(errors, "relu", base), f"{DEPTH} layers of ReLU with dropout")
    return (
        f"At {FEW} labels a class pretraining {sigmoid}, and {relu}, "
        f"which is {errors['relu', WITHOUT, base].mean():.1%} "
        f"without it (sigmoid: {errors['sigmoid', WITHOUT, base].mean():.1%} without, "
        f"{errors['sigmoid', BASE, base].mean():.1%} with)."
    )


def _difference(of: Difference, what: str) -> str:
    if of.low <= 0 <= of.high:
        return f"makes no detectable difference ({_points(of)}) to the error of {what}"
    low, mean, high = sorted(100 * abs(value) for value in (of.low, of.difference, of.high))
    return f"{'lowers' if of.low > 0 else 'raises'} by {mean:.1f} points [{low:.1f}, {high:.1f}] the error of {what}"


def _points(of: Difference) -> str:
    return f"{words.points(of.difference)} points [{words.points(of.low)}, {words.points(of.high)}]"


def _sections(work: Work, plan: Plan, labelled: int, errors: Errors) -> "list[Html]":
    """Depth, labels and learners, each with errors and gains, and what was done."""
    from headstart.report.elements import prose, section, table

    by_depth = {depth: Cell(depth, FEW) for depth in DEPTHS}
    by_labels = {min(k, labelled): Cell(DEPTH, k) for k in plan.tuning}
    learners = {learner: ("sigmoid", learner) for learner in (WITHOUT, *LEARNERS)}
    return [
        section(
            "depth", f"How deep? {FEW} labels a class",
            *_two(work, errors, "depth", by_depth, across="layers"),
        ),
        section(
            "labels", f"How many labels? {DEPTH} layers",
            *_two(work, errors, "labels", by_labels, across="labels a class", log=True),
        ),
        section(
            "learners", f"Which learner? Sigmoid units, {FEW} labels a class",
            _chart(work, "learners", {name: _errors(errors, *of, by_depth) for name, of in learners.items()},
                   "test error", "Test error against depth by learner", across="layers"),
            prose("An RBM is defined for sigmoid units, so that the learners are compared on these. SimCLR alone sees "
                  "views of the images: small turns, shears, scales and shifts, which say what a digit is."),
            table(["learner", f"gain at {DEPTH} layers, {FEW} labels", f"at {DEPTH} layers, 10 labels"],
                  [[name, *(_points(gain(errors, "sigmoid", Cell(DEPTH, k), learner=name)) for k in (FEW, 10))]
                   for name in LEARNERS], "Gain over random weights in points, with 95 % intervals over draws"),
        ),
        section(
            "longer", "Would the random network only need longer?",
            table(["", "test error"], _longer(errors),
                  f"{DEPTHS[-1]} sigmoid layers, {FEW} labels a class, with 95 % intervals over draws"),
        ),
        section("design", "What was done", *map(prose, _design(plan, labelled))),
    ]  # fmt: skip


def _two(
    work: Work, errors: Errors, name: str, cells_at: dict[int, Cell], *, across: str, log: bool = False
) -> "list[Html]":
    """Errors of all activations with and without pretraining, and the gains between them."""
    kinds = {"with pretraining": BASE, "without": WITHOUT}
    lines = {f"{activation} {kind}": _errors(errors, activation, learner, cells_at)
             for activation in ACTIVATIONS for kind, learner in kinds.items()}  # fmt: skip
    gains = {activation: _gains(errors, activation, cells_at) for activation in ACTIVATIONS}
    return [
        _chart(work, f"{name}-errors", lines, "test error", f"Test error against {across}", across=across, log=log),
        _chart(work, f"{name}-gains", gains, "gain: error without less error with pretraining",
               f"What pretraining gains, against {across}", across=across, log=log),
    ]  # fmt: skip


def _chart(
    work: Work, name: str, lines: "dict[str, Curve]", up: str, alt: str, *, across: str, log: bool = False
) -> "Html":
    from headstart.report.plots import curves

    return work.chart(name, curves(lines, across=across, up=up, log=log), alt, "Bands: 95 % intervals over draws.")


def _errors(errors: Errors, activation: str, learner: str, cells_at: dict[int, Cell]) -> "Curve":
    return [(x, *interval(errors[activation, learner, cell], ratio=0.0)) for x, cell in cells_at.items()]


def _gains(errors: Errors, activation: str, cells_at: dict[int, Cell]) -> "Curve":
    found = {x: gain(errors, activation, cell) for x, cell in cells_at.items()}
    return [(x, of.difference, of.low, of.high) for x, of in found.items()]


def _longer(errors: Errors) -> list[list[str]]:
    deepest = Cell(DEPTHS[-1], FEW)
    rows = {
        "with pretraining": (BASE, deepest), "without": (WITHOUT, deepest),
        f"without, {LONGER} times as long": (WITHOUT, deepest._replace(times=LONGER)),
    }  # fmt: skip
    found = {name: interval(errors["sigmoid", learner, cell], ratio=0.0) for name, (learner, cell) in rows.items()}
    return [
        [name, f"{100 * mean:.1f}% [{100 * low:.1f}, {100 * high:.1f}]"] for name, (mean, low, high) in found.items()
    ]


def _design(plan: Plan, labelled: int) -> list[str]:
    tunings = ", ".join(
        f"{tuning.epochs} epochs at {f'all (about {labelled:,})' if labels == ALL else labels}"
        for labels, tuning in plan.tuning.items()
    )
    return [
        f"Not everything was crossed with everything. The base is denoising, {DEPTH} sigmoid layers, {FEW} labels a "
        "class. From it, depth and labels are varied for each of the three activations; the learner is varied, with "
        "the depth, for sigmoid units.",
        f"Layers have {plan.width} units, ReLU a dropout of a half. Each of {plan.draws} draws has its own first "
        "weights, order and labelled images. Its stack of four layers is pretrained once, "
        f"{plan.layer_epochs} epochs a layer on {f'{plan.images:,}' if plan.images else 'all'} training images without "
        "labels, and cut at every depth, which greedy pretraining allows: a layer does not know those above it.",
        "Fine-tuning is the same with and without pretraining, and was fixed before: AdamW with a rate of "
        f"{plan.rate} that falls to 0, and by labels a class {tunings}. Test labels chose nothing. Draws share the "
        "test images and the pool from which labelled images are drawn.",
    ]
