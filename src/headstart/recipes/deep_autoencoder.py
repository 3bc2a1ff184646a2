"""Nine layers learn to pass a digit through thirty numbers, once each layer has begun as a Boltzmann machine.

An autoencoder of sigmoid layers, 784-1000-500-250-30 and back, is too deep to be trained from small random weights:
its gradients fade on the way, and it answers every digit with nearly the same blur. Here each layer first learns
alone, as a restricted Boltzmann machine by contrastive divergence on what the layer below makes of the digits; the
four are unrolled into encoder and decoder, and the whole is fine-tuned by cross-entropy. The same network from random
weights gets the same fine-tuning.

The yardsticks have thirty numbers too: PCA, the best linear map, and logistic PCA, one linear layer whose outputs are
sigmoids. The paper has, as squared error summed over an image's pixels, on test images: 3.00 for the autoencoder, 8.01
for logistic PCA, 13.87 for PCA. Last, 784-1000-500-250-2 draws the paper's picture of the codes beside PCA's.

Hinton, Salakhutdinov. Reducing the dimensionality of data with neural networks. Science 313, 2006 (figures 2 and 3).
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from headstart.recipes.work import Found, Part, Ranges, Work

if TYPE_CHECKING:
    from headstart.objectives.autoencoder import Autoencoder
    from headstart.recipes.given import Given
    from headstart.report.elements import Html
    from headstart.training.log import Row

TOPIC = "Autoencoders, Boltzmann machines"
EXPECTED: Ranges = {
    "squared_error_per_image": (2.5, 4.8),
    "random_squared_error_per_image": (10, 55),
    "logistic_pca_squared_error_per_image": (7.6, 8.6),
    "pca_squared_error_per_image": (13.7, 14.1),
    "share_of_pca": (0.18, 0.35),
    "two_codes_knn_accuracy": (0.7, 0.97),
    "two_pca_knn_accuracy": (0.38, 0.5),
}
QUICK: Ranges = EXPECTED | {
    "squared_error_per_image": (4, 7.5),
    "random_squared_error_per_image": (15, 55),
    "logistic_pca_squared_error_per_image": (7.8, 9.5),
    "pca_squared_error_per_image": (13.7, 14.5),
    "share_of_pca": (0.28, 0.54),
    "two_codes_knn_accuracy": (0.5, 0.95),
}
HIDDEN, CODES, PLANE = (1000, 500, 250), 30, 2
QUICK_IMAGES, SHOWN, ON_THE_MAP = 10_000, 12, 2500


def run(work: Work) -> Found:
    """Train the deep autoencoders and their yardsticks, and measure all on the test images."""
    from headstart.recipes.given import given
    from headstart.recipes.mnist_autoencoder import knn_accuracy

    mnist = given(work, "mnist", train=QUICK_IMAGES if work.quick else None)
    deep = trained(work, mnist, "pretrained", (*HIDDEN, CODES), pretrain=True, shares=(0.0, 0.4))
    plane = trained(work, mnist, "plane", (*HIDDEN, PLANE), pretrain=True, shares=(0.4, 0.75))
    random = trained(work, mnist, "random", (*HIDDEN, CODES), pretrain=False, shares=(0.75, 0.95))
    logistic = trained(work, mnist, "logistic", (CODES,), pretrain=False, shares=(0.95, 0.99))
    made = {"autoencoder": deep, "random": random, "logistic": logistic}
    errors = work.part("errors", lambda: {name: squared_error(one, mnist) for name, one in made.items()})
    linear = work.part("pca", lambda: _pca(mnist))
    codes = work.part("codes", lambda: _codes(plane, mnist))
    error, pca = float(errors["autoencoder"]), float(linear["error"])
    metrics = {
        "squared_error_per_image": error,
        "random_squared_error_per_image": float(errors["random"]),
        "logistic_pca_squared_error_per_image": float(errors["logistic"]),
        "pca_squared_error_per_image": pca,
        "share_of_pca": error / pca,
        "two_codes_knn_accuracy": knn_accuracy(codes["train"], mnist.y, codes["test"], mnist.test_y),
        "two_pca_knn_accuracy": knn_accuracy(linear["plane"], mnist.y, linear["test_plane"], mnist.test_y),
    }
    says = (
        f"Through thirty numbers the pretrained autoencoder loses {error:.2f} of squared error a test image, "
        f"{error / pca:.2f} of PCA's {pca:.2f}; from random weights, with the same fine-tuning, it loses "
        f"{metrics['random_squared_error_per_image']:.1f}."
    )
    return Found(metrics, says, _sections(work, mnist, made, codes, linear))


def trained(
    work: Work, mnist: "Given", name: str, widths: tuple[int, ...], *, pretrain: bool, shares: tuple[float, float]
) -> "Autoencoder":
    """A dense autoencoder with a linear code; with ``pretrain`` its layers begin as a stack of Boltzmann machines."""
    import torch

    from headstart.encoders.decoder import Mirror
    from headstart.encoders.networks import dense
    from headstart.objectives.autoencoder import Autoencoder
    from headstart.training.layerwise import pretrain_layerwise, unroll
    from headstart.training.loop import train
    from headstart.training.recipe import Recipe
    from headstart.training.run import Run
    from headstart.training.training_set import TrainingSet

    torch.manual_seed(work.seed)
    encoder = dense(1, mnist.shape[1:], widths=widths, last="linear")
    network = Autoencoder(encoder, shape=mnist.shape, decoder=Mirror(encoder), error="cross-entropy")
    epochs, tuned = (5, 10) if work.quick else (5, 20)
    middle = (shares[0] + shares[1]) / 2 if pretrain else shares[0]

    def between(low: float, high: float, done: float, what: str) -> None:
        work.say(f"{name}: {what}", low + (high - low) * done)

    def teach(folder: Path) -> None:
        if pretrain:
            learned = pretrain_layerwise(
                encoder, TrainingSet.of(mnist.x), learner="rbm",
                recipe=Recipe(epochs=epochs * len(widths), batch_size=128, learning_rate=1e-2, seed=work.seed),
                run=Run(
                    folder / "rbm", resume=True,
                    progress=lambda done: between(shares[0], middle, done, "one layer after the other"),
                ),
            )  # fmt: skip
            network.reconstruct.decoder.load_state_dict(unroll(encoder, learned).state_dict())
        rows = train(
            network, TrainingSet.of(mnist.x),
            recipe=Recipe(
                epochs=tuned, batch_size=128, learning_rate=3e-2 if len(widths) == 1 else 6e-3, seed=work.seed
            ),
            run=Run(
                folder / "tuned", resume=True,
                progress=lambda done: between(middle, shares[1], done, "fine-tuning"),
            ),
        )  # fmt: skip
        work.part(f"{name}-losses", lambda: {"loss": _an_epoch(rows)})

    work.network(name, network, teach)
    return network


def squared_error(network: "Autoencoder", mnist: "Given") -> float:
    """Squared error of the test images' reconstructions, summed over pixels in [0, 1], averaged over images."""
    import torch

    with torch.inference_mode():
        lost = [(network.reconstruction(x) - x).square().sum((1, 2, 3)) for x in mnist.test_x.split(500)]
    return float(torch.cat(lost).mean())


def _an_epoch(rows: "list[Row]") -> np.ndarray:
    """The mean loss of each epoch."""
    epochs = np.array([row["epoch"] for row in rows])
    losses = np.array([row["loss"] for row in rows])
    return np.array([losses[epochs == epoch].mean() for epoch in np.unique(epochs)])


def _pca(mnist: "Given") -> dict[str, np.ndarray | float]:
    """PCA's error with as many numbers, some of its reconstructions, and its first two components."""
    from sklearn.decomposition import PCA

    rows, test_rows = mnist.x.flatten(1).numpy(), mnist.test_x.flatten(1).numpy()
    pca = PCA(CODES, random_state=0).fit(rows)
    codes = pca.transform(test_rows)
    made = pca.inverse_transform(codes)
    return {
        "error": float(np.square(made - test_rows).sum(1).mean()),
        "made": made[:SHOWN].reshape(-1, *mnist.shape).clip(0, 1).astype(np.float32),
        "plane": pca.transform(rows)[:, :PLANE],
        "test_plane": codes[:, :PLANE],
    }


def _codes(network: "Autoencoder", mnist: "Given") -> dict[str, np.ndarray]:
    from headstart.representation.frozen import represent

    return {"train": represent(network.encoder, mnist.x), "test": represent(network.encoder, mnist.test_x)}


def _sections(work: Work, mnist: "Given", made: "dict[str, Autoencoder]", codes: Part, linear: Part) -> "list[Html]":
    """Reconstructions, how both starts learned, and the planes of two codes."""
    from headstart.report.elements import prose, section
    from headstart.report.plots import curves, planes

    shown = mnist.test_x[:SHOWN]
    order = ("autoencoder", "random", "logistic")
    pictures = [shown.numpy(), *(made[name].reconstruction(shown).detach().numpy() for name in order), linear["made"]]
    losses = {
        label: [(k + 1, loss, loss, loss) for k, loss in enumerate(work.part(f"{name}-losses", dict)["loss"])]
        for name, label in (("pretrained", "pretrained"), ("random", "random weights"))
    }
    drawn = {"Two codes": codes["test"][:ON_THE_MAP], "Two principal components": linear["test_plane"][:ON_THE_MAP]}
    return [
        section(
            "reconstructions", "Thirty numbers, and back",
            work.images("reconstructions", np.stack(pictures).transpose(0, 1, 3, 4, 2), "Test digits, reconstructed",
                        "From above: test digits; the pretrained autoencoder; the same from random weights; logistic "
                        "PCA; PCA."),
        ),
        section(
            "fine-tuning", "What pretraining is for",
            prose("Both networks are the same and are tuned alike. The loss is the training images' cross-entropy a "
                  "pixel, averaged over an epoch."),
            work.chart("fine-tuning", curves(losses, across="epoch of fine-tuning", up="cross-entropy in nats a pixel"),
                       "Training loss of the pretrained and of the random network against epochs"),
        ),
        section(
            "codes", "Two codes, and two principal components",
            work.chart("codes", planes(drawn, mnist.test_y[:ON_THE_MAP], mnist.class_names),
                       "Test digits by two codes of the deep autoencoder and by two principal components",
                       "Test digits. Neither was told the classes, which colour the planes."),
        ),
    ]  # fmt: skip
