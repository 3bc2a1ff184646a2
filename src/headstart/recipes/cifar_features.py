"""Good features make neighbours of things of one kind: CIFAR-10 through a backbone that never saw its labels.

A backbone that was pretrained elsewhere, or without labels, is frozen and turns every image into a vector. How good
are the vectors? A linear classifier on them (the linear probe) and ten neighbours that vote say it in a number, a
plane of t-SNE in a picture. Beside it stand the same network with random weights, and the pixels, as 256 principal
components.

A backbone was made for images of another kind, and CIFAR-10's are fitted to it: enlarged from 32 pixels to its size
(at most 128, unless it takes no other), so that its first layers, which shrink an image, leave something to see; made
grey where it has one channel; standardised by its own means and deviations. Its classifier is dropped. Without
--backbone the small encoder is pretrained here, by SimCLR on CIFAR-10's training images without their labels.

Then few shots: one to five labelled images a class, drawn a hundred times, and each test image gets the class of the
nearest of them. Expected is that learned features beat random ones and pixels everywhere, and by most with the linear
probe; that a network with random weights is no better than pixels; and that one image a class is a weak and uneven
start.

Chen, Kornblith, Norouzi, Hinton. A simple framework for contrastive learning. ICML 2020. arXiv 2002.05709 (SimCLR).
Wang, Chao, Weinberger, van der Maaten. SimpleShot. 2019. arXiv 1911.04623 (nearest neighbours with few shots).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from torch import Tensor
from torch.nn import functional

from headstart.encoders.build import EncoderSpec, build_encoder
from headstart.encoders.encoder import Encoder
from headstart.errors import UserError
from headstart.evaluation.statistics import interval
from headstart.recipes.given import Given, given
from headstart.recipes.work import Found, Part, Ranges, Work
from headstart.report.charts import wilson
from headstart.report.elements import Html, prose, section, table
from headstart.report.plane import tsne
from headstart.report.plots import bars, curves, planes
from headstart.representation.bundle import load_bundle
from headstart.representation.frozen import represent
from headstart.reuse.heads import Head
from headstart.training.fit import encoder_spec, untrained_encoder
from headstart.training.recipe import Recipe
from headstart.training.training_set import TrainingSet
from headstart.views.presets import PRESETS

TOPIC = "Transfer and few shots"
EXPECTED: Ranges = {
    "probe_accuracy": (0.56, 0.66),
    "knn_accuracy": (0.5, 0.6),
    "untrained_probe_accuracy": (0.29, 0.4),
    "pixels_probe_accuracy": (0.35, 0.4),
    "pixels_knn_accuracy": (0.36, 0.41),
    "one_shot_accuracy": (0.19, 0.27),
    "five_shot_accuracy": (0.26, 0.35),
}
QUICK: Ranges = {
    "probe_accuracy": (0.42, 0.56),
    "knn_accuracy": (0.38, 0.52),
    "untrained_probe_accuracy": (0.27, 0.36),
    "pixels_probe_accuracy": (0.27, 0.35),
    "pixels_knn_accuracy": (0.31, 0.39),
    "one_shot_accuracy": (0.17, 0.26),
    "five_shot_accuracy": (0.22, 0.34),
}
OWN = ("probe", "knn", "untrained_probe", "one_shot", "five_shot")
NOT_FORETOLD = {"backbone": tuple(f"{name}_accuracy" for name in OWN)}  # the ranges are those of our own encoder
EPOCHS, QUICK_EPOCHS, BATCH = 20, 8, 256
QUICK_IMAGES, QUICK_TESTED = 13_000, 2000
PER_CLASS, QUICK_PER_CLASS = 1000, 200
NEIGHBOURS, COMPONENTS, SIDE = 10, 256, 128
SHOTS, DRAWS = 5, 100
ON_THE_MAP, QUERIES, SHOWN = 2000, 10, 5


@dataclass(frozen=True, eq=False)
class Backbone:
    """A frozen network, the same with random weights, and in words what it is and how images are fitted to it.

    symmetric: h is the mean over an image's eight turns and reflections. taught: the hash of the data whose labels it
    learned from, where it did.
    """

    name: str
    words: str
    encoder: Encoder
    untrained: Encoder
    symmetric: bool = False
    taught: str | None = None


class Fitted(Encoder):
    """A backbone behind an input side: images (n, 3, h, w) become those that it was made for."""

    def __init__(self, encoder: Encoder, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.encoder, self.channels, self.size = encoder, channels, size
        self.dim, self.map_shape = encoder.dim, encoder.map_shape

    def fitted(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        """Of the backbone's size and channels."""
        if x.shape[1] != self.channels:
            x = x.mean(1, keepdim=True)
        if x.shape[2:] != self.size:
            smaller = self.size[0] < x.shape[2]
            x = functional.interpolate(x, self.size, mode="bilinear", antialias=smaller, align_corners=False)
        return x

    def feature_map(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        """The backbone's."""
        return self.encoder.feature_map(self.fitted(x))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """The backbone's h."""
        return self.encoder(self.fitted(x))


def run(work: Work, *, backbone: str | None = None) -> Found:
    """See what a linear probe, neighbours and few shots make of a backbone's vectors, of random ones and of pixels."""
    asked = None if backbone is None else find_backbone(work, backbone)
    train, test = (QUICK_IMAGES, QUICK_TESTED) if work.quick else (None, None)
    cifar = given(work, "cifar10", train=train, test=test)
    used = asked or _own(work, cifar)
    if used.taught == work.hashes["cifar10"]:
        raise UserError(f"{backbone} has an encoder that learned from CIFAR-10's labels: give one that did not")
    rows = cifar.drawn(QUICK_PER_CLASS if work.quick else PER_CLASS, work.seed)
    x, y = cifar.x[rows], cifar.y[rows]
    seen = {
        used.name: work.part("seen", lambda: _seen(work, used.encoder, used.symmetric, x, cifar.test_x)),
        "Untrained": work.part("untrained", lambda: _seen(work, used.untrained, used.symmetric, x, cifar.test_x)),
        "Pixels": work.part("pixels", lambda: _pixels(x, cifar.test_x)),
    }
    found = {
        name: work.part(f"judged-{k}", lambda part=part, name=name: _judged(work, name, part, y, cifar.test_y))
        for k, (name, part) in enumerate(seen.items())
    }
    metrics: dict[str, float] = {}
    for prefix, part in zip(("", "untrained_", "pixels_"), found.values(), strict=True):
        shots = part["shots"].mean(0)
        values = {"probe": part["probe"], "knn": part["knn"], "one_shot": shots[0], "five_shot": shots[-1]}
        metrics |= {f"{prefix}{name}_accuracy": float(value) for name, value in values.items()}
    work.say("t-SNE", 0.95)
    laid = {
        name: work.part(f"plane-{k}", lambda part=part: {"places": tsne(part["test_h"][:ON_THE_MAP])})["places"]
        for k, (name, part) in enumerate(seen.items())
    }
    sections = [
        _input(used, len(y), len(cifar.test_y)),
        _scores(work, found, len(cifar.test_y)),
        _planes(work, laid, cifar),
        _neighbours(work, cifar, x, seen[used.name], seen["Pixels"]),
        _few_shots(work, found),
    ]
    return Found(metrics, _says(used, metrics), sections)


def find_backbone(work: Work, asked: str) -> Backbone:
    """The backbone that was asked for, as timm:NAME@FILE, timm:NAME@hub or a bundle's folder.

    Raises:
        UserError: no weights were named, there is no such file or bundle, or it takes other images.
    """
    return _timm(work, asked) if asked.startswith("timm:") else _bundle(work, asked)


def _own(work: Work, cifar: Given) -> Backbone:
    spec = encoder_spec("small", TrainingSet.of(cifar.x))
    epochs = QUICK_EPOCHS if work.quick else EPOCHS
    recipe = Recipe(epochs=epochs, batch_size=BATCH, optimiser="adamw", seed=work.seed)  # as its ranges were foretold
    encoder = work.encoder(
        "encoder", "simclr", TrainingSet.of(cifar.x, views=PRESETS["natural"]), spec=spec, recipe=recipe,
        progress=lambda done: work.say("SimCLR learns from images without labels", 0.75 * done),
    )  # fmt: skip
    words = (
        f"The small encoder, pretrained by SimCLR on {len(cifar.x):,} training images without their labels, "
        f"{epochs} epochs. It was made for these images: nothing is to be fitted."
    )
    return Backbone("SimCLR", words, encoder, untrained_encoder(spec, seed=work.seed))


def _timm(work: Work, asked: str) -> Backbone:
    from headstart.encoders.backbone import made_for

    name, _, weights = asked.removeprefix("timm:").partition("@")
    if not weights:
        raise UserError(f"--backbone {asked} has no weights: give timm:{name}@FILE, or timm:{name}@hub for timm's own")
    made = made_for(name)
    side = made.side if made.fixed else min(made.side, SIDE)
    spec = EncoderSpec(asked, 3, (side, side), made.mean, made.std)
    words = (
        f"{name} with the weights {weights}, made for images of {made.side} pixels. Images are enlarged from 32 to "
        f"{side} pixels and standardised by its own means and deviations; its classifier is dropped."
    )
    encoder, untrained = build_encoder(spec, pretrained=True).eval(), untrained_encoder(spec, seed=work.seed)
    return Backbone(name, words, Fitted(encoder, 3, spec.size), Fitted(untrained, 3, spec.size))


def _bundle(work: Work, folder: str) -> Backbone:
    bundle = load_bundle(folder)
    spec = bundle.spec
    if spec.channels not in (1, 3):
        raise UserError(f"{folder} has an encoder of {spec.channels} channels, CIFAR-10 has 3: give one of 1 or 3")
    grey = " and made grey" if spec.channels == 1 else ""
    words = (
        f"{bundle}; {bundle.card.history}. Images are brought to {spec.size[0]}×{spec.size[1]} pixels{grey}, and "
        "standardised by its own means and deviations."
    )
    encoder, untrained = (
        Fitted(one, spec.channels, spec.size) for one in (bundle.encoder, untrained_encoder(spec, seed=work.seed))
    )
    taught = bundle.card.data.hash if bundle.card.data and bundle.card.learned_from_labels else None
    return Backbone("Backbone", words, encoder, untrained, spec.symmetric, taught)


def _seen(work: Work, encoder: Encoder, symmetric: bool, x: Tensor, test_x: Tensor) -> dict[str, Any]:
    """h of the labelled training images and of the test images."""
    work.say("the backbone looks at the images", 0.76)
    h, test_h = (represent(encoder, images, symmetric=symmetric) for images in (x, test_x))
    return {"h": h, "test_h": test_h}


def _pixels(x: Tensor, test_x: Tensor) -> dict[str, Any]:
    """The same of pixels: their principal components, by the training images."""
    rows, test_rows = x.flatten(1).numpy(), test_x.flatten(1).numpy()
    pca = PCA(min(COMPONENTS, *rows.shape), random_state=0).fit(rows)
    return {"h": pca.transform(rows), "test_h": pca.transform(test_rows)}


def _judged(work: Work, name: str, seen: Part, y: np.ndarray, test_y: np.ndarray) -> dict[str, Any]:
    """Test accuracies: of the linear probe, of ten neighbours, and (draws, shots) of few shots."""
    work.say(f"probe and neighbours: {name}", 0.8)
    h, test_h = seen["h"], seen["test_h"]
    near, test_near = directions(h, h), directions(test_h, h)
    return {
        "probe": (Head("probe", seed=work.seed, metric="accuracy").fit(h, y).predict(test_h) == test_y).mean(),
        "knn": KNeighborsClassifier(NEIGHBOURS).fit(near, y).score(test_near, test_y),
        "shots": few_shots(near, y, test_near, test_y, seed=work.seed),
    }


def directions(h: Float[np.ndarray, "n d"], known: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "n d"]:
    """h without the mean of the known ones, of length 1: then nearest is what points the same way (SimpleShot)."""
    centred = h - known.mean(0)
    return centred / np.linalg.norm(centred, axis=1, keepdims=True).clip(1e-9)


def few_shots(
    h: Float[np.ndarray, "n d"], y: np.ndarray, test_h: Float[np.ndarray, "m d"], test_y: np.ndarray, *, seed: int,
    draws: int = DRAWS,
) -> Float[np.ndarray, "draws shots"]:  # fmt: skip
    """Accuracy of the nearest of 1 to 5 labelled images a class, by draw; a draw's smaller sets are in its larger."""
    found = np.zeros((draws, SHOTS))
    of_class = [np.flatnonzero(y == k) for k in np.unique(y)]
    for draw in range(draws):
        generator = np.random.default_rng([seed, draw])
        drawn = np.stack([generator.permutation(rows)[:SHOTS] for rows in of_class], 1)  # (shots, classes)
        alike = (test_h @ h[drawn.ravel()].T).reshape(len(test_h), *drawn.shape)
        for shots in range(SHOTS):
            best = alike[:, : shots + 1].max(1).argmax(1)
            found[draw, shots] = (np.unique(y)[best] == test_y).mean()
    return found


def _says(used: Backbone, metrics: dict[str, float]) -> str:
    share = {name: f"{value:.1%}" for name, value in metrics.items()}
    return (
        f"On frozen features of {used.name} a linear classifier names {share['probe_accuracy']} of the test images, on "
        f"those of the same network with random weights {share['untrained_probe_accuracy']}, on pixels "
        f"{share['pixels_probe_accuracy']}; ten neighbours {share['knn_accuracy']}, "
        f"{share['untrained_knn_accuracy']} and {share['pixels_knn_accuracy']}. With one labelled image a class the "
        f"nearest names {share['one_shot_accuracy']}, with five {share['five_shot_accuracy']} (pixels: "
        f"{share['pixels_one_shot_accuracy']} and {share['pixels_five_shot_accuracy']})."
    )


def _input(used: Backbone, labels: int, tested: int) -> Html:
    return section(
        "backbone", "The backbone and its input",
        prose(f"{used.words} An image becomes {used.encoder.dim} numbers."),
        prose(f"{labels:,} labelled training images teach the probe and vote as neighbours; {tested:,} test images "
              "judge. The probe's penalty is chosen by cross-validation within the training images."),
    )  # fmt: skip


def _scores(work: Work, found: dict[str, Part], tested: int) -> Html:
    shown = {}
    for kind, words in (("probe", "linear probe"), ("knn", "ten neighbours")):
        for name, part in found.items():
            share = float(part[kind])
            shown[f"{name}, {words}"] = (share, *wilson(round(share * tested), tested))
    return section(
        "scores", "How good are the features?",
        work.chart("scores", bars(shown, up="accuracy on test images"), "Accuracy of probe and neighbours",
                   "95 % intervals (Wilson) over the test images."),
    )  # fmt: skip


def _planes(work: Work, laid: dict[str, np.ndarray], cifar: Given) -> Html:
    drawn = planes(laid, cifar.test_y[:ON_THE_MAP], cifar.class_names)
    return section(
        "planes", "Test images in the plane",
        work.chart("planes", drawn, "t-SNE of test images in features of the backbone, in random ones, and in pixels",
                   "t-SNE saw no class; the classes colour it, and each one's name stands at its median."),
    )  # fmt: skip


def _neighbours(work: Work, cifar: Given, x: Tensor, seen: Part, pixels: Part) -> Html:
    """A test image of each class, and the training images nearest to it, in features and in pixels."""
    queries = [int(np.flatnonzero(cifar.test_y == k)[0]) for k in np.unique(cifar.test_y)][:QUERIES]
    columns = [cifar.test_x[queries][:, None].numpy()]
    for part in (seen, pixels):
        tree = NearestNeighbors(n_neighbors=SHOWN).fit(directions(part["h"], part["h"]))
        rows = tree.kneighbors(directions(part["test_h"][queries], part["h"]), return_distance=False)
        columns += [np.ones_like(columns[0]), x.numpy()[rows]]
    sheet = np.concatenate(columns, 1).transpose(0, 1, 3, 4, 2)
    return section(
        "neighbours", "Who is next to whom?",
        work.images("neighbours", sheet, "Test images and their nearest training images",
                    "A test image of each class, the five training images whose features point most nearly the same "
                    "way, and the five that do so in pixels.", side=48),
    )  # fmt: skip


def _few_shots(work: Work, found: dict[str, Part]) -> Html:
    lines, rows = {}, []
    for name, part in found.items():
        shots = part["shots"]
        ends = np.quantile(shots, [0.05, 0.95], axis=0)
        lines[name] = [(s + 1.0, float(shots[:, s].mean()), *ends[:, s].tolist()) for s in range(SHOTS)]
        means = (interval(shots[:, s], ratio=0.0) for s in range(SHOTS))
        rows.append([name, *("{:.3f} [{:.3f}, {:.3f}]".format(*mean) for mean in means)])
    return section(
        "few-shots", "One to five labelled images a class",
        prose(f"So many images a class are drawn, {DRAWS} times, and each test image gets the class of the nearest. "
              "Bands hold the middle nine tenths of the draws: which images happen to be labelled matters as much as "
              "how many. The table has the mean over draws with its 95 % interval."),
        work.chart("few-shots", curves(lines, across="labelled images a class", up="accuracy on test images"),
                   "Accuracy against labelled images a class"),
        table(["", *map(str, range(1, SHOTS + 1))], rows, "Mean accuracy by labelled images a class"),
    )  # fmt: skip
