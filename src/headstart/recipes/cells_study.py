"""Few labelled cells and many without a label: what a classifier, an autoencoder's codes and SimCLR make of them.

The assignment: three stages of division of a bacterium under the fluorescence microscope, 400 cells labelled and 3,892
not (the file at hand may hold fewer; the report counts them). A convolutional classifier learns from three quarters of
the labels. An autoencoder learns from the unlabelled cells, and is validated on the images of the labelled ones. A
linear classifier then learns from the same labels what the autoencoder's codes say. Each is tested on the quarter that
was held out, and the quarters are drawn again and again, so that every score and difference has an interval.

Which architecture? A few are tried, and every one of them is shown. The autoencoder is the one with the least error of
reconstruction on the labelled images: they validate it, so they chose it, though their labels did not. The classifier
is chosen within each split, by labels that are held out from its training labels. Beside them stand a linear
classifier on what SimCLR learned from the unlabelled cells, one on the codes of an autoencoder that learned nothing,
and one on the pixels. Cells have no up: a network's h of a cell is the mean over its eight turns and reflections. The
codes are judged without that too.

Expected are the ranges for 81 labelled and 482 unlabelled cells. Small runs said beforehand: the codes are about as
good as the classifier and better than pixels, but most of that is the turning, not the learning, since codes of random
weights, turned likewise, are no worse on so few cells.

Bayle, Bayle, Janson, Mackey. Cross-validation confidence intervals for test error. NeurIPS 2020, arXiv 2007.12671
(the intervals).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor

from headstart.data.fetch import roots
from headstart.encoders.build import EncoderSpec
from headstart.errors import UserError
from headstart.evaluation.splits import make_splits
from headstart.evaluation.statistics import interval, score
from headstart.evaluation.uncertainty import Estimate
from headstart.objectives.objective import Objective
from headstart.recipes.judged import Judged, comparison, confusion, probed
from headstart.recipes.work import Found, Part, Ranges, Work
from headstart.report.elements import Html, prose, section, table
from headstart.report.plots import bars, curves
from headstart.report.words import points, unbroken
from headstart.representation.frozen import represent
from headstart.reuse.heads import LinearHead, inner_folds
from headstart.reuse.transfer import Transfer
from headstart.study.prepare import Prepared, prepare
from headstart.training.fit import encoder_spec, fit_encoder, untrained_encoder
from headstart.training.method import Method
from headstart.training.recipe import Recipe, ResolvedRecipe
from headstart.training.run import Run
from headstart.training.training_set import TrainingSet

TOPIC = "Autoencoders: the assignment"
EXPECTED: Ranges = {
    "classifier_accuracy": (0.82, 0.92),
    "codes_accuracy": (0.81, 0.93),
    "simclr_accuracy": (0.86, 0.95),
    "lying_codes_accuracy": (0.66, 0.84),
    "untrained_accuracy": (0.8, 0.94),
    "pixels_accuracy": (0.74, 0.86),
    "codes_minus_classifier": (-0.08, 0.07),
}
QUICK: Ranges = {
    "classifier_accuracy": (0.75, 0.93),
    "codes_accuracy": (0.77, 0.95),
    "simclr_accuracy": (0.8, 0.96),
    "lying_codes_accuracy": (0.65, 0.9),
    "untrained_accuracy": (0.75, 0.95),
    "pixels_accuracy": (0.7, 0.88),
    "codes_minus_classifier": (-0.12, 0.15),
}
FILE = "cells/data.npz"
FOLDS, REPEATS, QUICK_REPEATS = 4, 5, 2
QUICK_SHARE = {"autoencoder": 0.15, "simclr": 0.08}  # of the default epochs
BATCH = 16  # an autoencoder's: so few images make too few steps of larger ones
SHOWN, POINTS = 12, 12


@dataclass(frozen=True)
class Candidate:
    """An architecture to try. bottleneck: width of an autoencoder's code. turned: a classifier learns from views."""

    words: str
    encoder: str
    bottleneck: int = 0
    turned: bool = True


AUTOENCODERS = (
    Candidate("conv, 8 numbers", "autoencoder", 8),
    Candidate("conv, 32 numbers", "autoencoder", 32),
    Candidate("strided conv, 128 means", "small"),
    Candidate("conv, 128 numbers", "autoencoder", 128),
    Candidate("dense, 256 numbers", "mlp"),
)
CLASSIFIERS = (
    Candidate("strided convolutions", "small"),
    Candidate("the same, no random views", "small", turned=False),
    Candidate("convolutions and pools", "lecture"),
)
QUICK_AUTOENCODERS, QUICK_CLASSIFIERS = 3, 2  # the first so many
NAMES = {
    "classifier": "Classifier",
    "codes": "Autoencoder's codes",
    "lying_codes": "Codes, cell not turned",
    "simclr": "SimCLR",
    "untrained": "Untrained codes",
    "pixels": "Pixels",
}
PAIRS = [
    (NAMES[a], NAMES[b])
    for a, b in (
        ("codes", "classifier"), ("simclr", "classifier"), ("simclr", "codes"), ("codes", "lying_codes"),
        ("codes", "untrained"), ("codes", "pixels"), ("classifier", "pixels"),
    )
]  # fmt: skip


class Cells:
    """The cells as every part of the recipe sees them.

    x: (u, c, h, w) in [0, 1] of the unlabelled, known: (m, c, h, w) of the labelled ones, y: (m,) their labels.
    splits: of the labelled ones. groups: (m,) of which none straddles a split, or None.
    """

    def __init__(self, prepared: Prepared, *, repeats: int, seed: int) -> None:
        data, x = prepared.dataset, torch.from_numpy(prepared.pixels(prepared.dataset.images))
        self.x, self.known, self.y = x[data.unlabelled], x[data.labelled], data.labels[data.labelled]
        self.names, self.views, self.groups = data.class_names, prepared.views, prepared.groups
        self.splits = make_splits(
            self.y, folds=FOLDS, repeats=repeats, seed=seed, groups=self.groups, prescribed=prepared.prescribed,
            class_names=self.names,
        )  # fmt: skip

    def spec(self, candidate: Candidate) -> EncoderSpec:
        """A candidate's encoder for these cells, standardising by the unlabelled ones."""
        turned = candidate.turned and self.views.symmetric
        found = encoder_spec(candidate.encoder, TrainingSet.of(self.x), symmetric=turned)
        return replace(found, bottleneck=candidate.bottleneck or found.bottleneck)

    def probed(self, work: Work, name: str, h: np.ndarray) -> Judged:
        """A linear classifier on h of the labelled cells, on every split."""
        return probed(work, name, h, self.y, self.splits, self.groups)


def run(work: Work) -> Found:
    """Search an autoencoder, judge its codes, classifiers, SimCLR and pixels on the same splits, and compare them."""
    cells = read(work)
    shown = AUTOENCODERS[: QUICK_AUTOENCODERS if work.quick else None]
    tried = [_autoencoder(work, cells, one, k / len(shown), 1 / len(shown)) for k, one in enumerate(shown)]
    best = int(np.argmin([part["errors"].mean() for part in tried]))
    codes = [cells.probed(work, f"codes-{k}", part["h"]) for k, part in enumerate(tried)]
    spec = cells.spec(shown[best])
    untrained = represent(untrained_encoder(spec, seed=work.seed), cells.known, symmetric=spec.symmetric)
    simclr = cells.probed(work, "probe-simclr", _simclr(work, cells))
    classifier, held = _classifiers(work, cells)
    judged = {
        "classifier": classifier,
        "codes": codes[best],
        "lying_codes": cells.probed(work, "probe-lying", tried[best]["lying"]),
        "simclr": simclr,
        "untrained": cells.probed(work, "probe-untrained", untrained),
        "pixels": cells.probed(work, "probe-pixels", cells.known.flatten(1).numpy()),
    }
    scores = {name: found.outcomes.interval().as_tuple() for name, found in judged.items()}
    gain = judged["codes"].outcomes.minus(classifier.outcomes)
    metrics = {f"{name}_accuracy": found[0] for name, found in scores.items()} | {
        "codes_minus_classifier": gain.mean,
        "simclr_minus_classifier": simclr.outcomes.minus(classifier.outcomes).mean,
        "reconstruction_mse": float(tried[best]["errors"].mean()),
        "pca_reconstruction_mse": float(tried[best]["pca_errors"].mean()),
    }
    sections = [
        _examples(work, cells),
        _search(work, cells, shown, tried, codes, best),
        _reconstructions(work, cells, shown[best], tried[best]),
        _classifier_search(work, cells, held),
        comparison(work, {NAMES[name]: one for name, one in judged.items()}, PAIRS),
        confusion({NAMES[name]: one for name, one in judged.items()}, cells.names),
    ]
    return Found(metrics, _says(cells, scores, gain), sections)


def read(work: Work) -> Cells:
    """The cells below the data root.

    Raises:
        UserError: they are not there.
    """
    places = [root / FILE for root in roots(work.data_root)]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise UserError(
            f"there is no {' and no '.join(map(str, places))}: name the folder that holds {FILE}, by --data-root or "
            "HEADSTART_DATA"
        )
    found = work.load(path)
    prepared = prepare(found, image_size=None, views=None, saw="unlabelled", seed=work.seed)
    return Cells(prepared, repeats=QUICK_REPEATS if work.quick else REPEATS, seed=work.seed)


def _recipe(work: Work, method: str, n: int) -> ResolvedRecipe:
    """The method's default recipe for n images, shortened in the quick form."""
    found = Recipe(seed=work.seed).resolve(method, n)
    return found.replace(epochs=max(1, round(found.epochs * QUICK_SHARE[method]))) if work.quick else found


def _autoencoder(work: Work, cells: Cells, candidate: Candidate, done: float, share: float) -> Part:
    """A candidate taught on the unlabelled cells: its codes of the labelled ones, and how it reconstructs them.

    errors, pca_errors: (m,) squared error a pixel, and that of PCA with as many numbers. made, pca_made: the first
    images. h: (m, d) codes, lying: those of cells as they lie. curve: (epochs, 3) of epoch, training
    error, and error on the labelled images.
    """
    known = cells.known.numpy()

    def teach() -> dict[str, Any]:
        curve: list[tuple[float, float, float]] = []

        def watch(objective: Objective, log: list[dict[str, int | float]]) -> None:
            if log:
                learnt = np.mean([row["loss"] for row in log if row["epoch"] == log[-1]["epoch"]])
                error = np.square(_made(objective, cells.known) - known).mean()
                curve.append((log[-1]["epoch"] + 1, float(learnt), float(error)))

        def progress(part: float) -> None:
            work.say(f"autoencoder: {candidate.words}", 0.5 * (done + share * part))

        spec, recipe = cells.spec(candidate), _recipe(work, "autoencoder", len(cells.x)).replace(batch_size=BATCH)
        data, run = TrainingSet.of(cells.x), Run(progress=progress, watch=watch)
        fitted = fit_encoder(Method("autoencoder"), data, spec=spec, recipe=recipe, run=run)
        assert fitted.objective is not None
        made, linear = _made(fitted.objective, cells.known), _pca(cells.x.numpy(), known, fitted.encoder.dim)
        errors, pca_errors = (np.square(m - known).mean((1, 2, 3)) for m in (made, linear))
        return {
            "errors": errors, "pca_errors": pca_errors, "made": made[:SHOWN], "pca_made": linear[:SHOWN],
            "h": represent(fitted.encoder, cells.known, symmetric=spec.symmetric), "curve": curve,
            "lying": represent(fitted.encoder, cells.known),
        }  # fmt: skip

    return work.part(f"autoencoder-{candidate.encoder}-{candidate.bottleneck}", teach)


def _made(objective: Objective, x: Tensor) -> np.ndarray:
    """x̂ of images."""
    objective.eval()
    with torch.inference_mode():
        made = [objective.reconstruction(part) for part in x.split(64)]
    return torch.cat([part for part in made if part is not None]).numpy()


def _pca(x: np.ndarray, known: np.ndarray, components: int) -> np.ndarray:
    """Images after the best linear way to so many numbers, as x has it, and back."""
    rows, others = x.reshape(len(x), -1), known.reshape(len(known), -1)
    pca = PCA(min(components, *rows.shape), svd_solver="full").fit(rows)
    return pca.inverse_transform(pca.transform(others)).reshape(known.shape).astype(np.float32)


def _simclr(work: Work, cells: Cells) -> np.ndarray:
    """(m, d) of the labelled cells by SimCLR, which saw the unlabelled ones."""
    spec = cells.spec(Candidate("SimCLR", "small"))
    encoder = work.encoder(
        "simclr", "simclr", TrainingSet.of(cells.x, views=cells.views), spec=spec,
        recipe=_recipe(work, "simclr", len(cells.x)), progress=lambda part: work.say("SimCLR", 0.5 + 0.2 * part),
    )  # fmt: skip
    return represent(encoder, cells.known, symmetric=spec.symmetric)


def _classifiers(work: Work, cells: Cells) -> tuple[Judged, np.ndarray]:
    """Networks that learned from labels alone, and (splits, candidates) scores of the inner hold-outs."""
    parts = [_classifier(work, cells, number) for number in range(len(cells.splits))]
    held = np.stack([part["held"] for part in parts])
    probabilities = [part["probabilities"] for part in parts]
    return Judged(cells.splits, cells.y, probabilities, float(held.max(1).mean()), cells.groups), held


def _classifier(work: Work, cells: Cells, number: int) -> Part:
    """One split: each candidate learns from four fifths of the training labels, and the best on the rest from all."""
    train, test = cells.splits[number].train, cells.splits[number].test
    shown = CLASSIFIERS[: QUICK_CLASSIFIERS if work.quick else None]

    def make() -> dict[str, Any]:
        work.say(f"classifiers, split {number + 1} of {len(cells.splits)}", 0.7 + 0.28 * number / len(cells.splits))
        held = np.full(len(shown), 1 / len(cells.names))
        folds = inner_folds(cells.y[train], None if cells.groups is None else cells.groups[train], work.seed)
        for k, candidate in enumerate(shown if folds else ()):
            kept, out = (train[rows] for rows in folds[0])
            said = _network(work, cells, candidate, kept, out, number).argmax(1)
            held[k] = score("balanced_accuracy", cells.y[out], said, np.unique(cells.y))
        return {"held": held, "probabilities": _network(work, cells, shown[held.argmax()], train, test, number)}

    return work.part(f"classifier-{number}", make)


def _network(
    work: Work, cells: Cells, candidate: Candidate, train: np.ndarray, test: np.ndarray, number: int
) -> np.ndarray:
    """Probabilities (n_test, k) by a network that learned from labelled rows alone, by the study's recipe."""
    spec = cells.spec(candidate)
    recipe = Recipe(seed=work.seed + 1000 * (number + 1)).resolve("supervised", len(train))
    views = cells.views if candidate.turned else None
    network = Transfer(untrained_encoder(spec, seed=recipe.seed), frozen=(), recipe=recipe, views=views)
    network.fit(cells.known[train], cells.y[train])
    h = represent(network.encoder_, cells.known[test], symmetric=spec.symmetric)
    return LinearHead.of(network.head_).predict_proba(h)


def _says(cells: Cells, scores: dict[str, tuple[float, float, float]], gain: Estimate) -> str:
    labels = round(np.mean([len(split.train) for split in cells.splits]))
    found = {name: f"{mean:.1%}" for name, (mean, _, _) in scores.items()}
    told = "better than" if gain.low > 0 else "worse than" if gain.high < 0 else "not detectably different from"
    return unbroken(
        f"With {labels} labels a convolutional classifier reaches {found['classifier']} balanced accuracy, a linear "
        f"one on an autoencoder's codes {found['codes']}, on what SimCLR learned {found['simclr']}, on codes of random "
        f"weights {found['untrained']}, on pixels {found['pixels']}. The codes are {told} the classifier: "
        f"{points(gain.mean)} points [{points(gain.low)}, {points(gain.high)}]."
    )


def _examples(work: Work, cells: Cells) -> Html:
    x = cells.known.numpy().transpose(0, 2, 3, 1)
    counts = np.bincount(cells.y)
    rows = np.stack([x[np.flatnonzero(cells.y == kind)[: min(SHOWN, counts.min())]] for kind in range(len(counts))])
    held = ", ".join(f"{count} of class {name}" for name, count in zip(cells.names, counts, strict=True))
    return section(
        "cells", "The cells",
        prose(f"{len(x):,} labelled cells ({held}) and {len(cells.x):,} without a label, of {x.shape[1]}×{x.shape[2]} "
              "pixels."),
        work.images("cells", rows, "Labelled cells, a row a class",
                    f"A row a class, from the top: {', '.join(cells.names)}."),
    )  # fmt: skip


def _search(
    work: Work, cells: Cells, shown: Sequence[Candidate], tried: list[Part], codes: list[Judged], best: int
) -> Html:
    """Every autoencoder that was tried: its error, that of PCA with as many numbers, and what its codes were worth."""
    errors, lines, rows = {}, {}, []
    for k, (one, part, judged) in enumerate(zip(shown, tried, codes, strict=True)):
        errors[one.words] = interval(1000 * part["errors"], ratio=0.0, bounds=(0.0, np.inf))
        lines[one.words] = _line(part["curve"], 2)
        error, linear = (f"{1000 * part[name].mean():.2f}" for name in ("errors", "pca_errors"))
        words = one.words + (" (chosen)" if k == best else "")
        rows.append(
            [
                words,
                part["h"].shape[1],
                error,
                linear,
                "{:.3f} [{:.3f}, {:.3f}]".format(*judged.outcomes.interval().as_tuple()),
            ]
        )
    lines["chosen, as it learns"] = _line(tried[best]["curve"], 1)
    up = "squared error a pixel on the labelled cells, thousandths"
    head = ["", "width of the code", "error, thousandths", "PCA as wide", "balanced accuracy of its codes"]
    return section(
        "search", "Which autoencoder?",
        prose(f"Each learned from the {len(cells.x):,} unlabelled cells and was validated on the images of the "
              f"{len(cells.y):,} labelled ones. The least error chose: {shown[best].words}. These cells validated, so "
              "they chose, and the error of the chosen one flatters it a little. Their labels had no say: the last "
              "column was computed afterwards, and shows whether a low error means good codes."),
        work.chart("search", bars(errors, up=up), "Error of reconstruction of every autoencoder that was tried",
                   "Means over the labelled cells with 95 % intervals."),
        table(head, rows, "Autoencoders that were tried"),
        work.chart("learning", curves(lines, across="epoch", up=up), "Error of reconstruction during training"),
    )  # fmt: skip


def _line(curve: np.ndarray, column: int) -> list[tuple[float, float, float, float]]:
    """Some points of a curve, in thousandths, without its steep beginning."""
    some = np.unique(np.linspace(len(curve) // 8, len(curve) - 1, POINTS).round().astype(int))
    return [(row[0], *(3 * (1000 * row[column],))) for row in curve[some].tolist()]


def _reconstructions(work: Work, cells: Cells, chosen: Candidate, part: Part) -> Html:
    rows = np.stack([cells.known[:SHOWN].numpy(), part["made"], part["pca_made"]]).transpose(0, 1, 3, 4, 2)
    return section(
        "reconstructions", "Through the code, and back",
        work.images("reconstructions", rows.clip(0, 1), "Cells and their reconstructions",
                    f"Labelled cells, which it never learned from; what the autoencoder ({chosen.words}) makes of "
                    "them; what PCA makes of as many numbers."),
    )  # fmt: skip


def _classifier_search(work: Work, cells: Cells, held: np.ndarray) -> Html:
    often = np.bincount(held.argmax(1), minlength=held.shape[1])
    shown = {
        f"{one.words} ({times}×)": interval(held[:, k], ratio=0.25)
        for k, (one, times) in enumerate(zip(CLASSIFIERS, often, strict=False))
    }
    return section(
        "classifiers", "Which classifier?",
        prose(f"Within each of {len(cells.splits)} splits every candidate learned from four fifths of the training "
              "labels, and the one that was best on the other fifth learned again, from all of them. In brackets: how "
              "often it was the one. A fifth of so few labels is a coarse judge: that is part of having few labels."),
        work.chart("classifiers", bars(shown, up="balanced accuracy on the inner hold-out, 95 % intervals"),
                   "Scores of every classifier that was tried"),
    )  # fmt: skip
