"""A network that learned clothes reads digits: its filters stay as they are, and only a new head learns.

The lecture's convolutional network (32, 32, pool, 64, 64, pool; each a 3×3 convolution, ReLU and batch-norm) learns
Fashion-MNIST in 5 epochs. Then its filters are frozen, a new head (dense 512, ReLU, batch-norm, dropout, dense 10) is
put on the layer named features, and the head alone learns MNIST by the same recipe: 5 epochs, batches of 512, SGD
with rate 0.01 and momentum 0.9. Since nothing before the head changes, its features are computed once.

The same head on a frozen network that never learned anything says what the clothes are good for, and the whole network
trained on MNIST from scratch says what freezing costs. With 10, 100 and 1,000 labels a class all three take 100 such
steps, in batches of up to 512, on the same drawn labels. There are three networks of clothes and three untrained
ones (in quick form one), and each draw takes the next of either: intervals are about draws, little about networks.

Frozen means inference mode, dropout too. In Keras frozen dropouts stay random while the head trains: --faithful does
that, computes nothing once, and takes about half as long again.

Yosinski, Clune, Bengio, Lipson. How transferable are features in deep neural networks? NIPS 2014, arXiv 1411.1792.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from headstart.recipes.work import Found, Part, Ranges, Work

if TYPE_CHECKING:
    from headstart.encoders.encoder import Encoder
    from headstart.recipes.given import Given
    from headstart.recipes.reused import Backbone
    from headstart.report.elements import Html
    from headstart.training.recipe import ResolvedRecipe

TOPIC = "Transfer learning"
RATIO = "cached_over_uncached_seconds"
COUNTS: Ranges = {
    "total_parameters": (1_679_082, 1_679_082),
    "trainable_parameters": (1_612_298, 1_612_298),
    "non_trainable_parameters": (66_784, 66_784),
}
EXPECTED: Ranges = {
    **COUNTS,
    "frozen_accuracy": (0.985, 0.992),
    "untrained_accuracy": (0.968, 0.982),
    "scratch_accuracy": (0.987, 0.995),
    RATIO: (0.15, 0.35),
    "gain_10_low": (0.0, 0.05),
    "gain_100_low": (0.0, 0.03),
}
QUICK: Ranges = {
    **COUNTS,
    "frozen_accuracy": (0.955, 0.985),
    "untrained_accuracy": (0.945, 0.978),
    "scratch_accuracy": (0.955, 0.988),
    RATIO: (0.1, 0.5),
    "gain_10_low": (-0.02, 0.05),
    "gain_100_low": (0.0, 0.03),
}
FROZEN, UNTRAINED, SCRATCH = "frozen, of clothes", "frozen, untrained", "all from scratch"
FEW_STEPS, SHOWN = 100, 14
Accuracies = dict[int, dict[int, float]]  # labels a class -> number of the draw -> accuracy


@dataclass(frozen=True)
class Plan:
    """How much is done: images (None: all), seeds at all labels, and draws of frozen heads and from scratch by labels.

    batch_size: at all labels.
    """

    train: int | None
    test: int | None
    batch_size: int
    seeds: int
    heads: Mapping[int, int]
    scratch: Mapping[int, int]


FULL = Plan(None, None, 512, 3, {10: 20, 100: 10, 1000: 10}, {10: 10, 100: 3, 1000: 3})
BRIEF = Plan(4000, 2000, 128, 1, {10: 8, 100: 3}, {10: 3})


def run(work: Work, *, faithful: bool = False) -> Found:
    """Learn clothes, freeze, learn digits; against an untrained network and training from scratch."""
    from headstart.recipes.given import given
    from headstart.recipes.reused import LECTURE, Backbone, nth, taught, untrained

    plan = BRIEF if work.quick else FULL
    clothes, digits = (given(work, name, train=plan.train, test=plan.test) for name in ("fashion-mnist", "mnist"))
    recipe = LECTURE.replace(batch_size=plan.batch_size)
    learned: Accuracies = {}
    random: Accuracies = {}
    summary, counts, seconds = "", {}, None
    for k in range(plan.seeds):
        start, end = k / 2 / plan.seeds, (k + 1) / 2 / plan.seeds
        between, seeded = start + 0.6 * (end - start), recipe.replace(seed=nth(work.seed, k))
        encoder, _ = taught(work, f"clothes{k}", clothes.x, clothes.y, seeded, (start, between))
        if k == 0:
            summary, counts = summarised(encoder, faithful=faithful)
            print(f"{summary}\n", flush=True)
            seconds = None if faithful else work.part("seconds", lambda encoder=encoder: timed(encoder, digits, recipe))
        networks = {"frozen": (learned, encoder), "untrained": (random, untrained(digits.x, nth(work.seed, k)))}
        for name, (by_budget, network) in networks.items():
            work.say(f"heads on {name} filters, network {k + 1} of {plan.seeds}", between)
            backbone = Backbone(network, digits.x, digits.test_x, faithful)
            for budget, found in heads(work, plan, digits, backbone, f"{name}{k}", k).items():
                by_budget.setdefault(budget, {}).update(found)
    scratch = from_scratch(work, plan, digits)
    scores = {FROZEN: in_order(learned), UNTRAINED: in_order(random), SCRATCH: in_order(scratch)}
    return _found(work, scores, counts, summary, seconds, (clothes, digits))


def summarised(encoder: "Encoder", *, faithful: bool) -> tuple[str, dict[str, float]]:
    """The lecture's summary of the network with its new head, and the three counts in it."""
    from headstart.recipes.reused import LAYER
    from headstart.reuse.transfer import Transfer, lecture_head

    summary = Transfer(encoder, layer=LAYER, head=lecture_head, faithful=faithful).summary(classes=10)
    totals = [float(line.rpartition(" ")[2].replace(",", "")) for line in summary.splitlines()[-3:]]
    return summary, dict(zip(COUNTS, totals, strict=True))


def heads(
    work: Work, plan: Plan, digits: "Given", backbone: "Backbone", name: str, first: int,
) -> Accuracies:  # fmt: skip
    """The accuracies of new heads on the ``first`` of the frozen networks, which take the draws in turns."""
    from headstart.recipes.reused import draws

    def score(budget: int, k: int) -> float:
        rows, recipe = _drawn(work, plan, digits, budget, k)
        return backbone.score(rows, digits.y[rows], digits.test_y, recipe)

    counts = {_every(digits): plan.seeds, **plan.heads}
    return {
        budget: draws(work, f"{name}-{budget}", range(first, count, plan.seeds), lambda k, b=budget: score(b, k))
        for budget, count in counts.items()
    }


def from_scratch(work: Work, plan: Plan, digits: "Given") -> Accuracies:
    """The accuracies of the whole network, trained on the same draws from the untrained networks' weights."""
    import torch

    from headstart.recipes.reused import draws, heard, nth, untrained, whole

    counts = {_every(digits): plan.seeds, **plan.scratch}
    ends = np.cumsum([0.5, 0.35, *[0.15 / len(plan.scratch)] * len(plan.scratch)])

    def score(budget: int, k: int, start: float, end: float) -> float:
        rows, recipe = _drawn(work, plan, digits, budget, k)
        made = whole(untrained(digits.x, nth(work.seed, k % plan.seeds)), recipe)
        words = f"everything learns from scratch, {budget:,} labels a class, {k + 1} of {counts[budget]}"
        part = (end - start) / counts[budget]
        progress = heard(work, words, (start + part * k, start + part * (k + 1)))
        folder = work.folder / "parts" / f"scratch-{budget}-{k}"
        made.fit(digits.x[torch.from_numpy(rows)], digits.y[rows], folder=folder, resume=True, progress=progress)
        return float(made.score(digits.test_x, digits.test_y))

    return {
        budget: draws(work, f"scratch-{budget}", range(count), lambda k, b=budget, s=start, e=end: score(b, k, s, e))
        for (budget, count), (start, end) in zip(counts.items(), pairwise(ends), strict=True)
    }


def timed(encoder: "Encoder", digits: "Given", recipe: "ResolvedRecipe") -> dict[str, float]:
    """Seconds of 5 frozen epochs: with the features computed once, included; and without, of a whole epoch times 5.

    The epoch without is run before and after, and their mean counts, so that a machine that slows down is fair.
    """
    from headstart.recipes.reused import LAYER
    from headstart.reuse.transfer import Transfer, lecture_head

    def seconds(epochs: int, *, cache: bool) -> float:
        made = Transfer(encoder, layer=LAYER, head=lecture_head, recipe=recipe.replace(epochs=epochs), cache=cache)
        began = time.monotonic()
        made.fit(digits.x, digits.y)
        assert made.cached_ == cache
        return time.monotonic() - began

    before = seconds(1, cache=False)
    cached = seconds(recipe.epochs, cache=True)
    after = seconds(1, cache=False)
    return {"cached": cached, "uncached": recipe.epochs * (before + after) / 2}


def in_order(found: Accuracies) -> dict[int, list[float]]:
    """The draws' accuracies by the draws' numbers, fewest labels first."""
    return {budget: [by_draw[k] for k in sorted(by_draw)] for budget, by_draw in sorted(found.items())}


def _every(digits: "Given") -> int:
    return len(digits.y) // len(digits.class_names)


def _drawn(work: Work, plan: Plan, digits: "Given", budget: int, k: int) -> "tuple[np.ndarray, ResolvedRecipe]":
    """The rows of a draw, and the recipe over them: the lecture's, or so many steps of it."""
    from headstart.recipes.reused import LECTURE, for_steps, nth

    seed = nth(work.seed, k)
    if budget == _every(digits):
        return np.arange(len(digits.y)), LECTURE.replace(batch_size=plan.batch_size, seed=seed)
    rows = digits.drawn(budget, seed)
    return rows, for_steps(len(rows), FEW_STEPS, batch_size=plan.batch_size, seed=seed)


def _found(
    work: Work, scores: dict[str, dict[int, list[float]]], counts: dict[str, float], summary: str,
    seconds: Part | None, given: "tuple[Given, Given]",
) -> Found:  # fmt: skip
    from headstart.recipes.reused import gain, named, points

    every = max(scores[FROZEN])
    at_10 = gain(scores[FROZEN][10], scores[UNTRAINED][10])
    ways = {"frozen": FROZEN, "untrained": UNTRAINED, "scratch": SCRATCH}
    metrics = {
        **counts,
        **{f"{name}_accuracy": float(np.mean(scores[way][every])) for name, way in ways.items()},
        **({} if seconds is None else {RATIO: float(seconds["cached"] / seconds["uncached"])}),
        **{f"{name}_accuracy_{b}": float(np.mean(scores[way][b])) for b in scores[FROZEN] if b != every
           for name, way in ways.items() if scores[way].get(b)},
        **{key: value for b in scores[FROZEN] if b != every
           for key, value in named(f"gain_{b}", gain(scores[FROZEN][b], scores[UNTRAINED][b])).items()},
    }  # fmt: skip
    verdict = "clothes help" if at_10.low > 0 else "clothes hurt" if at_10.high < 0 else "no difference is certain"
    says = (
        f"A new head on the frozen filters of clothes reads {metrics['frozen_accuracy']:.1%} of the test digits, on "
        f"untrained filters {metrics['untrained_accuracy']:.1%}, and the whole network from scratch "
        f"{metrics['scratch_accuracy']:.1%}. At 10 labels a class {verdict}: {points(at_10)} points over untrained "
        f"filters. {_cost(metrics.get(RATIO))}"
    )
    expected = {name: ends for name, ends in (QUICK if work.quick else EXPECTED).items() if name in metrics}
    return Found(metrics, says, _sections(work, scores, summary, seconds, given), expected)


def _cost(ratio: float | None) -> str:
    return "No features were kept." if ratio is None else f"Features computed once took {ratio:.2f} of the time."


def _sections(
    work: Work, scores: dict[str, dict[int, list[float]]], summary: str, seconds: Part | None,
    given: "tuple[Given, Given]",
) -> "list[Html]":  # fmt: skip
    """The images, the summary, accuracy against labels, and the time."""
    from headstart.recipes.reused import curve_points, note, score_table
    from headstart.report.elements import prose, section, tag
    from headstart.report.plots import curves

    clothes, digits = given
    rows = np.stack([part.x[:SHOWN].numpy().transpose(0, 2, 3, 1) for part in given])
    drawn = curves(curve_points(scores), across="labels a class", up="accuracy on test digits", log=True)
    return [
        section(
            "accuracy", "What clothes teach about digits",
            work.chart("accuracy", drawn, "Test accuracy of three ways, against labels a class",
                       "Means with 95 % intervals over draws; at the right end all labels, over seeds."),
            score_table(scores, FROZEN, (UNTRAINED, SCRATCH), unit="labels a class"),
            note(f"In brackets: how many draws. Differences are in points, on the same draws. Below all labels every "
                 f"way takes about {FEW_STEPS} steps with batches of up to {_batch(work)}."),
        ),
        section(
            "images", "From these to those",
            work.images("images", rows, "Fashion-MNIST above, MNIST below",
                        f"What the filters learned on ({', '.join(clothes.class_names[:3])}, …), and what they are "
                        f"then used for ({', '.join(digits.class_names[:3])}, …)."),
        ),
        section(
            "summary", "The network with its new head",
            prose("Running means and variances count as parameters that do not train, as Keras counts them."),
            tag("div", tag("pre", summary), class_="scroll"),
        ),
        section("time", "What computing features once is worth", prose(_told(seconds))),
    ]  # fmt: skip


def _batch(work: Work) -> int:
    return (BRIEF if work.quick else FULL).batch_size


def _told(seconds: Part | None) -> str:
    if seconds is None:
        return (
            "Nothing: frozen dropouts stayed random, so every epoch's features differ, and every epoch computed them."
        )
    cached, uncached = float(seconds["cached"]), float(seconds["uncached"])
    return (
        f"The 5 epochs of the head took {cached:.1f} seconds, the features of all training images included. A loop "
        f"that computes them in every epoch, in the same chunks of 64 images, would take {uncached:.1f}: five times a "
        "whole epoch, which was run once before and once after."
    )
