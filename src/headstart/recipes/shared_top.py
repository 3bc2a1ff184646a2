"""Negatives of digits, and digits on a cloudy ground, are still digits: keep the top, and retrain the bottom.

Most transfer keeps the lower layers, whose edges and strokes serve many tasks, and renews the top. Some tasks are the
other way round: what is said is the same, and only the input differs. The lecture's example is speech, where many
voices must become the same words. Here a network learns MNIST, and then meets the same digits as negatives, and on a
cloudy ground; both are made by views.

With 10 and 100 labels a class, five ways go on: nothing is trained; only the head is; only the bottom is (the first two
convolutions), under a top and a head that stay as they are; everything is; or a new network begins from scratch. All
take 100 steps of SGD (rate 0.01, momentum 0.9, batches of up to 64) on the same draws. The intervals are over draws of
labels; the network that learned MNIST is one.

Goodfellow, Bengio, Courville. Deep Learning. MIT Press 2016 (section 15.2, figure 15.2).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.recipes.work import Found, Ranges, Work

if TYPE_CHECKING:
    from torch import Tensor, nn

    from headstart.encoders.encoder import Encoder
    from headstart.recipes.given import Given
    from headstart.report.elements import Html

TOPIC = "Transfer learning"
EXPECTED: Ranges = {
    "unchanged_accuracy_inverted": (0.05, 0.6),
    "head_accuracy_inverted": (0.8, 0.92),
    "bottom_accuracy_inverted": (0.94, 0.985),
    "all_accuracy_inverted": (0.9, 0.97),
    "scratch_accuracy_inverted": (0.77, 0.88),
    "bottom_over_head_inverted_low": (0.02, 0.2),
    "unchanged_accuracy_textured": (0.05, 0.6),
    "head_accuracy_textured": (0.7, 0.9),
    "bottom_accuracy_textured": (0.92, 0.975),
    "all_accuracy_textured": (0.84, 0.95),
    "scratch_accuracy_textured": (0.6, 0.77),
    "bottom_over_head_textured_low": (0.03, 0.25),
}
QUICK: Ranges = {
    "unchanged_accuracy_inverted": (0.05, 0.6),
    "head_accuracy_inverted": (0.75, 0.92),
    "bottom_accuracy_inverted": (0.92, 0.98),
    "all_accuracy_inverted": (0.86, 0.96),
    "scratch_accuracy_inverted": (0.74, 0.89),
    "bottom_over_head_inverted_low": (0.01, 0.2),
    "unchanged_accuracy_textured": (0.05, 0.6),
    "head_accuracy_textured": (0.65, 0.9),
    "bottom_accuracy_textured": (0.89, 0.97),
    "all_accuracy_textured": (0.8, 0.94),
    "scratch_accuracy_textured": (0.58, 0.79),
    "bottom_over_head_textured_low": (0.02, 0.25),
}
NOTHING, HEAD, BOTTOM, ALL, SCRATCH = "nothing", "only the head", "only the bottom", "everything", "from scratch"
FROZEN: Mapping[str, Sequence[str]] = {HEAD: ("all",), BOTTOM: ("stages.2", "stages.3", "head"), ALL: ()}
METRICS = {"unchanged": NOTHING, "head": HEAD, "bottom": BOTTOM, "all": ALL, "scratch": SCRATCH}
STEPS, BATCH, FEWEST, SHOWN = 100, 64, 10, 14
Way = dict[int, list[float]]  # labels a class -> accuracy a draw


@dataclass(frozen=True)
class Plan:
    """Images that are learned from (None: all) and tested on, epochs over the unchanged ones, and draws by labels."""

    train: int | None
    test: int
    epochs: int
    draws: Mapping[int, int]


FULL = Plan(None, 5000, 3, {10: 5, 100: 5})
BRIEF = Plan(4000, 1000, 4, {10: 3})


def inverted(x: "Tensor", seed: int) -> "Tensor":
    """The negatives, (n, c, h, w) in [0, 1]."""
    from headstart.views.views import Views

    return Views(invert=1.0)(x, _keys(len(x), seed))


def textured(x: "Tensor", seed: int) -> "Tensor":
    """Each on a cloudy ground of its own, as bright as 0.7: the views of a grey sheet, noise and then blur."""
    import torch

    from headstart.views.views import Views

    keys = _keys(len(x), seed)
    grain = Views(noise=(1.0, 1.0))(torch.full_like(x, 0.5), keys)
    return torch.maximum(x, 0.7 * Views(blur=(1.0, 1.0), contrast=(3.0, 3.0))(grain, keys))


CHANGES: "Mapping[str, Callable[[Tensor, int], Tensor]]" = {"inverted": inverted, "textured": textured}


def run(work: Work) -> Found:
    """Learn digits, change how they look, and see which part is best retrained."""
    from headstart.recipes.given import given
    from headstart.recipes.reused import LECTURE, nth, taught

    plan = BRIEF if work.quick else FULL
    digits = given(work, "mnist", train=plan.train, test=plan.test)
    recipe = LECTURE.replace(epochs=plan.epochs, batch_size=128, seed=nth(work.seed, 0))
    encoder, head = taught(work, "digits", digits.x, digits.y, recipe, (0.0, 0.3))
    scores = {change: adapted(work, plan, digits, encoder, head, change) for change in CHANGES}
    metrics = _metrics(scores)
    return Found(metrics, _says(scores), _sections(work, scores, digits))


def adapted(
    work: Work, plan: Plan, digits: "Given", encoder: "Encoder", head: "nn.Module", change: str,
) -> dict[str, Way]:  # fmt: skip
    """Way -> labels a class -> accuracy a draw, on changed test images."""
    import torch

    from headstart.recipes.reused import LAYER, draws, features, for_steps, nth, said, untrained, whole
    from headstart.reuse.transfer import Transfer

    place = list(CHANGES).index(change)
    test_x = CHANGES[change](digits.test_x, nth(work.seed, 1))

    def unchanged() -> dict[str, float]:
        return {"accuracy": (said(head, features(encoder, test_x).flatten(1)) == digits.test_y).mean()}

    def score(way: str, budget: int, k: int) -> float:
        share = (list(plan.draws).index(budget) + k / plan.draws[budget]) / len(plan.draws)
        work.say(f"{change}, {budget} labels a class: {way} is trained", 0.3 + 0.35 * (place + share))
        rows = digits.drawn(budget, nth(work.seed, k))
        x, recipe = (
            digits.x[torch.from_numpy(rows)],
            for_steps(len(rows), STEPS, batch_size=BATCH, seed=nth(work.seed, k)),
        )
        x = CHANGES[change](x, nth(work.seed, 2 + k))
        if way == SCRATCH:
            made = whole(untrained(x, recipe.seed), recipe)
        else:
            made = Transfer(encoder, layer=LAYER, head=head, frozen=FROZEN[way], recipe=recipe)
        return float(made.fit(x, digits.y[rows]).score(test_x, digits.test_y))

    found: dict[str, Way] = {way: {budget: [] for budget in plan.draws} for way in (*FROZEN, SCRATCH)}
    for budget, count in plan.draws.items():
        for k in range(count):
            for way in found:
                name = f"{change}-{way.replace(' ', '-')}-{budget}"
                found[way][budget] += draws(work, name, [k], lambda k, w=way, b=budget: score(w, b, k)).values()
    still = float(work.part(f"{change}-nothing", unchanged)["accuracy"])
    return {NOTHING: {budget: [still] for budget in plan.draws}, **found}


def _metrics(scores: dict[str, dict[str, Way]]) -> dict[str, float]:
    """At 10 labels a class without a suffix, at more with their number."""
    from headstart.recipes.reused import gain, named

    metrics: dict[str, float] = {}
    for change, ways in scores.items():
        for budget in ways[BOTTOM]:
            tail = f"{change}" if budget == FEWEST else f"{change}_{budget}"
            kept = METRICS if budget == FEWEST else [name for name in METRICS if METRICS[name] != NOTHING]
            metrics |= {f"{name}_accuracy_{tail}": float(np.mean(ways[METRICS[name]][budget])) for name in kept}
            metrics |= named(f"bottom_over_head_{tail}", gain(ways[BOTTOM][budget], ways[HEAD][budget]))
            metrics |= named(f"bottom_over_all_{tail}", gain(ways[BOTTOM][budget], ways[ALL][budget]))
    return metrics


def _says(scores: dict[str, dict[str, Way]]) -> str:
    """Which way is best on each, and what the others are, in a few words."""
    told: list[str] = []
    for change, ways in scores.items():
        means = {way: float(np.mean(found[FEWEST])) for way, found in ways.items()}
        best, *others = sorted(means, key=lambda way: -means[way])
        rest = ", ".join(f"{way} {means[way]:.1%}" for way in others)
        told.append(f"on {change} digits {best} ({means[best]:.1%}; {rest})")
    return f"With {FEWEST} labels a class it is best to train: {'; '.join(told)}."


def _sections(work: Work, scores: dict[str, dict[str, Way]], digits: "Given") -> "list[Html]":
    """What the images look like, and a chart and a table a change."""
    from headstart.recipes.reused import bar_ends, note, nth, score_table
    from headstart.report.elements import section
    from headstart.report.plots import bars

    shown = digits.test_x[:SHOWN]
    looks = [shown, *(change(shown, nth(work.seed, 1)) for change in CHANGES.values())]
    rows = np.stack([look.numpy().transpose(0, 2, 3, 1) for look in looks])
    images = work.images("images", rows, "Test digits, their negatives, and the same on a cloudy ground",
                         "Test digits as the network learned them; their negatives; on clouds.")  # fmt: skip
    parts = [section("images", "The same digits, as they were and changed", images)]
    for change, ways in scores.items():
        drawn = bars(
            {way: bar_ends(found[FEWEST]) for way, found in ways.items()}, up="accuracy on changed test digits"
        )
        parts.append(
            section(
                change, f"Which part to train: {change} digits",
                work.chart(change, drawn, f"Test accuracy on {change} digits after five ways of training",
                           f"With {FEWEST} labels a class; lines are 95 % intervals over draws of labels."),
                score_table(ways, BOTTOM, (HEAD, ALL, SCRATCH), unit="labels a class"),
                note("In brackets: how many draws. Differences are in points, on the same draws."),
            )
        )  # fmt: skip
    return parts


def _keys(n: int, seed: int) -> "Tensor":
    import torch

    from headstart.views.random import image_keys

    return image_keys(torch.arange(n), seed=seed, epoch=0)
