"""Pretrained networks learn other functions than networks that begin at random, and stay with them.

A network is what it says of images it was not trained on: here its class probabilities on a fixed set of test digits,
in one long vector, after every epoch of training on the labels. Half of the networks begin as stacked denoising
autoencoders trained on the same images without labels, half at random; each is drawn by its own seed, which also
orders its images. Every vector of every network lies in one map, so that training is a way through it.

The paper says that the two families begin and stay in different regions; that the ways of a family run together at
first and then part, each to its own end; that pretrained networks end in the smaller region; and that they make
fewer mistakes on test images though both make hardly any on training images: a better place, not a better fit.

Maps of so many dimensions deceive. All that is said is therefore measured between the vectors themselves: the distance
of two networks is the root of the mean squared distance of their probabilities, from 0 to 1.41.

Erhan, Bengio, Courville, Manzagol, Vincent, Bengio. Why does unsupervised pre-training help deep learning? JMLR 11,
2010 (section 6.3, figures 5 and 6). Differs: fewer images, so that a hundred networks take minutes; AdamW.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from headstart.recipes.work import Found, Part, Ranges, Work

if TYPE_CHECKING:
    from headstart.recipes.given import Given
    from headstart.report.elements import Html

TOPIC = "Greedy layer-wise pretraining"
EXPECTED: Ranges = {
    "test_error_with": (0.035, 0.055),
    "test_error_without": (0.04, 0.065),
    "test_error_gain": (0.001, 0.015),
    "training_error_with": (0.0, 0.005),
    "training_error_without": (0.0, 0.01),
    "spread_with": (0.05, 0.3),
    "spread_without": (0.03, 0.3),
    "nearer_to_own": (0.9, 1.0),
    "isomap_distances_kept": (0.7, 1.0),
    "tsne_neighbours_kept": (0.3, 0.95),
}
QUICK: Ranges = EXPECTED | {
    "test_error_with": (0.055, 0.085),
    "test_error_without": (0.06, 0.1),
    "spread_with": (0.025, 0.3),
    "spread_without": (0.02, 0.3),
}
WITH, WITHOUT = "with pretraining", "without"
FARTHEST = 2**0.5


class Plan(NamedTuple):
    """How many networks a family, images, epochs a layer and on the labels, and test images in a network's vector."""

    networks: int
    images: int
    layer_epochs: int
    epochs: int
    told: int = 1000
    width: int = 200
    batch: int = 64
    rate: float = 5e-4


FULL, SMALL = Plan(50, 10_000, 15, 25), Plan(6, 4000, 15, 30)


def run(work: Work, *, networks: int | None = None) -> Found:
    """Train both families, measure them where they live, and lay all of their vectors out in two planes."""
    from headstart.recipes.given import given

    plan = SMALL if work.quick else FULL
    plan = plan._replace(networks=networks or plan.networks)
    parts = trained(work, given(work, "mnist", train=plan.images), plan)
    ways = {family: np.stack([vectors(part["said"]) for part in of]) for family, of in parts.items()}
    work.say("t-SNE and Isomap", 0.93)
    maps = work.part("maps", lambda: laid_out(np.concatenate(list(ways.values()))))
    errors = {kind: {family: np.array([float(part[kind]) for part in of]) for family, of in parts.items()}
              for kind in ("test_error", "training_error")}  # fmt: skip
    ends = {family: way[:, -1] for family, way in ways.items()}
    metrics = {
        f"{name}_{short}": float(value[family].mean())
        for name, value in (*errors.items(), ("spread", {family: spread(end) for family, end in ends.items()}))
        for family, short in ((WITH, "with"), (WITHOUT, "without"))
    }
    metrics |= {
        "test_error_gain": metrics["test_error_without"] - metrics["test_error_with"],
        "between": apart(ends[WITH], ends[WITHOUT]),
        "nearer_to_own": float(nearer_to_own(ends[WITH], ends[WITHOUT]).mean()),
        "isomap_distances_kept": float(maps["isomap_walked"]),
        "tsne_neighbours_kept": float(maps["tsne_neighbours"]),
    }
    return Found(metrics, _says(metrics, errors["test_error"]), _sections(work, plan, ways, maps, errors))


def trained(work: Work, mnist: "Given", plan: Plan) -> dict[str, list[Part]]:
    """Family -> what became of each of its networks. The numbers do not depend on how many were trained at a time."""
    from headstart.recipes.side_by_side import side_by_side

    images = {"x": mnist.x.numpy(), "y": mnist.y, "test_x": mnist.test_x.numpy(), "test_y": mnist.test_y}
    seeds = [1000 * work.seed + i for i in range(plan.networks)]
    tasks = {
        f"{family.replace(' ', '-')}-{seed}": {**images, "plan": plan, "seed": seed, "pretrained": family == WITH}
        for family in (WITH, WITHOUT) for seed in seeds
    }  # fmt: skip
    parts = list(side_by_side(work, network, tasks, now="networks learn").values())
    return {WITH: parts[: plan.networks], WITHOUT: parts[plan.networks :]}


def network(
    x: np.ndarray, y: np.ndarray, test_x: np.ndarray, test_y: np.ndarray, *, plan: Plan, seed: int, pretrained: bool
) -> Part:
    """One network: what it ``said`` of the first test images (epochs + 1, told, k), and its errors in the end."""
    import torch

    from headstart.recipes.stacks import error, finetuned, probabilities, stack
    from headstart.training.layerwise import pretrain_layerwise
    from headstart.training.method import Method
    from headstart.training.recipe import Recipe
    from headstart.training.training_set import TrainingSet

    images, test, shape = torch.from_numpy(x), torch.from_numpy(test_x), (x.shape[1], x.shape[2], x.shape[3])
    encoder = stack(shape, depth=2, width=plan.width, activation="tanh", seed=seed)
    recipe = Recipe(epochs=plan.epochs, batch_size=plan.batch, learning_rate=plan.rate, seed=seed)
    if pretrained:
        layers = recipe.replace(epochs=2 * plan.layer_epochs, learning_rate=2e-3)
        data = TrainingSet.of(images)
        pretrain_layerwise(encoder, data, learner=Method("denoising", masking=0.25, noise=0.3), recipe=layers)
    said: list[np.ndarray] = []
    tuned = finetuned(
        encoder, images, y, classes=int(y.max()) + 1, recipe=recipe,
        watch=lambda network: said.append(probabilities(network, test[: plan.told])),
    )  # fmt: skip
    return {
        "said": np.stack(said),
        "test_error": np.array(error(probabilities(tuned, test), test_y)),
        "training_error": np.array(error(probabilities(tuned, images), y)),
    }


def vectors(said: np.ndarray) -> np.ndarray:
    """(times, told, k) probabilities -> (times, told · k), scaled so that distances do not grow with the images."""
    return said.reshape(len(said), -1) / np.sqrt(said.shape[1], dtype=said.dtype)


def spread(ends: np.ndarray) -> np.ndarray:
    """(n, d) -> (n,) distances from the mean of all."""
    return np.linalg.norm(ends - ends.mean(0), axis=1)


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """The distance of two families' centres, (n, d) each, freed of what the means of few networks err by."""
    return float(np.sqrt(max(0.0, np.square(a.mean(0) - b.mean(0)).sum() - _mistake(a) - _mistake(b))))


def nearer_to_own(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(2n,) of bool: is a network nearer to its own family's centre, known from the others, than to that of b or a?"""
    answers = []
    for own, other in ((a, b), (b, a)):
        for i in range(len(own)):
            others = np.delete(own, i, axis=0)
            here, there = (np.square(own[i] - of.mean(0)).sum() - _mistake(of) for of in (others, other))
            answers.append(here < there)
    return np.array(answers)


def _mistake(family: np.ndarray) -> float:
    """The squared distance at which the mean of n networks is to be expected from their true centre."""
    return float(family.var(0, ddof=1).sum() / len(family)) if len(family) > 1 else 0.0


def laid_out(ways: np.ndarray) -> dict[str, np.ndarray | float]:
    """Both planes of (networks, times, d), and what each keeps of distances and neighbours."""
    from headstart.report.isomap import distances_kept, isomap
    from headstart.report.plane import neighbours_kept, tsne

    points = ways.reshape(-1, ways.shape[2])
    unfolded = isomap(points)
    places = {"tsne": tsne(points), "isomap": unfolded.places}
    marks = np.random.default_rng(0).permutation(len(points))[:300]
    straight = np.stack([np.linalg.norm(points - points[m], axis=1) for m in marks])
    found: dict[str, np.ndarray | float] = {"isomap_walked": unfolded.kept}
    for name, xy in places.items():
        here = np.linalg.norm(xy[marks, None] - xy[None], axis=2)
        found |= {name: xy.reshape(*ways.shape[:2], 2), f"{name}_straight": distances_kept(straight, here),
                  f"{name}_neighbours": neighbours_kept(points, xy)}  # fmt: skip
    return found


def _says(metrics: dict[str, float], test_error: dict[str, np.ndarray]) -> str:
    """Fewer mistakes or not, and whether the families live apart."""
    from headstart.evaluation.statistics import paired

    gain = paired(test_error[WITHOUT], test_error[WITH], ratio=0.0)
    fewer = "fewer" if gain.low > 0 else "more" if gain.high < 0 else "neither fewer nor more"
    smaller = metrics["spread_with"] < metrics["spread_without"]
    return (
        f"Pretrained networks make {fewer} mistakes ({metrics['test_error_with']:.2%} of test digits against "
        f"{metrics['test_error_without']:.2%}); {metrics['nearer_to_own']:.0%} of all networks end nearer to their own "
        f"family than to the other, and the pretrained ones {'' if smaller else 'do not '}end in the smaller region "
        f"(spread {metrics['spread_with']:.3f} against {metrics['spread_without']:.3f})."
    )


def _sections(
    work: Work, plan: Plan, ways: dict[str, np.ndarray], maps: Part, errors: dict[str, dict[str, np.ndarray]]
) -> "list[Html]":
    """The two planes, the distances that they show, and the mistakes."""
    from headstart.report.elements import prose, section, table
    from headstart.report.plots import curves, paths

    split = {title: {WITH: maps[name][: plan.networks], WITHOUT: maps[name][plan.networks :]}
             for title, name in (("t-SNE", "tsne"), ("Isomap", "isomap"))}  # fmt: skip
    kept = [["t-SNE", "–", f"{maps['tsne_straight']:.2f}", f"{maps['tsne_neighbours']:.0%}"],
            ["Isomap", f"{maps['isomap_walked']:.2f}", f"{maps['isomap_straight']:.2f}",
             f"{maps['isomap_neighbours']:.0%}"]]  # fmt: skip
    drawn = paths(split, first="epoch 0", last=f"epoch {plan.epochs}")
    return [
        section(
            "planes", "All networks at all times in one map",
            work.chart("planes", drawn, "Ways of networks through function space, by t-SNE and by Isomap",
                       f"{2 * plan.networks} networks after each of {plan.epochs} epochs; a ring where each ends. "
                       f"t-SNE keeps neighbours, Isomap large distances."),
            table(["Plane", "walked distances kept", "straight distances kept", "neighbours kept"], kept,
                  "How far to believe the planes: correlations of distances, share of ten nearest neighbours kept"),
        ),
        section(
            "distances", "The same, measured where the networks live",
            work.chart("distances", curves(_over_time(ways), across="epoch", up="distance, 0 to 1.41"),
                       "Spread of each family and the distance between them, by epoch",
                       "Mean distance of networks from their family's mean, with its 95 % interval over networks, and "
                       "the distance between the two means."),
            work.chart("nearer", curves(_own_over_time(ways), across="epoch", up="nearer to their own family"),
                       "Share of networks nearer to their own family than to the other, by epoch",
                       "A network is left out of its own family's centre; a half is chance. Bands: Wilson's 95 %."),
        ),
        section(
            "errors", "Mistakes",
            table(["", "with pretraining", "without", "without − with"], _rows(errors),
                  "Share of images misnamed: mean over networks, 95 % intervals over seeds (paired differences)"),
            prose(_how(plan)),
        ),
    ]  # fmt: skip


def _over_time(ways: dict[str, np.ndarray]) -> "dict[str, list[tuple[float, float, float, float]]]":
    from headstart.evaluation.statistics import interval

    times = range(ways[WITH].shape[1])
    lines = {
        f"spread {family}": [(float(t), *interval(spread(way[:, t]), ratio=0, bounds=(0, FARTHEST))) for t in times]
        for family, way in ways.items()
    }
    gaps = [apart(ways[WITH][:, t], ways[WITHOUT][:, t]) for t in times]
    return lines | {"between the means": [(float(t), gap, gap, gap) for t, gap in enumerate(gaps)]}


def _own_over_time(ways: dict[str, np.ndarray]) -> "dict[str, list[tuple[float, float, float, float]]]":
    from headstart.report.charts import wilson

    answers = [nearer_to_own(ways[WITH][:, t], ways[WITHOUT][:, t]) for t in range(ways[WITH].shape[1])]
    half = len(answers[0]) // 2
    return {
        family: [(float(t), float(a[part].mean()), *wilson(int(a[part].sum()), half)) for t, a in enumerate(answers)]
        for family, part in ((WITH, slice(0, half)), (WITHOUT, slice(half, None)))
    }


def _rows(errors: dict[str, dict[str, np.ndarray]]) -> list[list[str]]:
    """Test and training error of both families, and their difference, with intervals."""
    from headstart.evaluation.statistics import interval, paired

    def told(mean: float, low: float, high: float) -> str:
        return f"{100 * mean:.2f}% [{100 * low:.2f}, {100 * high:.2f}]".replace("-", "−")

    rows = []
    for kind, of in errors.items():
        gap = paired(of[WITHOUT], of[WITH], ratio=0.0)
        rows.append([kind.replace("_", " "), *(told(*interval(of[family], ratio=0.0)) for family in (WITH, WITHOUT)),
                     told(gap.difference, gap.low, gap.high)])  # fmt: skip
    return rows


def _how(plan: Plan) -> str:
    return (
        f"Every network has two layers of {plan.width} tanh units and sees the same {plan.images:,} images in its own "
        f"order, {plan.epochs} epochs with their labels (AdamW, batches of {plan.batch}, a rate of {plan.rate} that "
        f"falls to 0); a pretrained one saw them {plan.layer_epochs} epochs a layer before, without labels. A vector "
        f"holds the probabilities of {plan.told:,} test images, errors are over all of them. Test labels chose "
        "nothing. The intervals are over seeds: they say nothing of other training images."
    )
