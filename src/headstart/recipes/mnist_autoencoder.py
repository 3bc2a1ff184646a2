"""A digit squeezed through two numbers comes back as a digit, and the two numbers are a map of all digits.

The lecture's convolutional autoencoder has a bottleneck of two linear units between its filters (32, pool, 32, 16,
pool, 16, 8, dense; and back). It sees no label. Shown are the plane of codes, coloured by the class that only the
picture knows, test digits beside their reconstructions, and what the decoder makes of places all over the plane.

The yardstick is the best linear map to two numbers, PCA: its plane mixes the digits, and its reconstructions are
blurs. Who lies next to whom is judged by k-NN: ten neighbours among the training images' codes vote for a test image.
t-SNE's plane is shown beside it; it has no way back to an image, and none for a new one.

Hinton, Salakhutdinov. Reducing the dimensionality of data with neural networks. Science 313, 2006 (figure 3).
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from headstart.recipes.work import Found, Ranges, Work

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.objectives.autoencoder import Autoencoder
    from headstart.recipes.given import Given
    from headstart.report.elements import Html

TOPIC = "Autoencoders"
EXPECTED: Ranges = {
    "knn_accuracy": (0.75, 0.95),
    "pca_knn_accuracy": (0.38, 0.5),
    "reconstruction_mse": (0.025, 0.045),
    "pca_reconstruction_mse": (0.05, 0.06),
}
QUICK: Ranges = {
    "knn_accuracy": (0.55, 0.9),
    "pca_knn_accuracy": (0.38, 0.5),
    "reconstruction_mse": (0.03, 0.05),
    "pca_reconstruction_mse": (0.05, 0.06),
}
EPOCHS, QUICK_EPOCHS, QUICK_IMAGES = 20, 16, 5000
NEIGHBOURS, ON_THE_MAP, WALKED, SHOWN = 10, 2000, 15, 12


def run(work: Work) -> Found:
    """Train the autoencoder, lay the test images out in three planes, and walk the decoder over its own."""
    from headstart.recipes.given import given

    mnist = given(work, "mnist", train=QUICK_IMAGES if work.quick else None)
    autoencoder = trained(work, mnist)
    codes = work.part("codes", lambda: _codes(autoencoder, mnist))
    linear = work.part("pca", lambda: _pca(mnist))
    work.say("t-SNE", 0.95)
    tsne = work.part("tsne", lambda: _tsne(mnist.test_x[:ON_THE_MAP]))
    metrics = {
        "knn_accuracy": knn_accuracy(codes["train"], mnist.y, codes["test"], mnist.test_y),
        "pca_knn_accuracy": knn_accuracy(linear["train"], mnist.y, linear["test"], mnist.test_y),
        "reconstruction_mse": float(codes["mse"]),
        "pca_reconstruction_mse": float(linear["mse"]),
    }
    says = (
        f"In the autoencoder's plane ten neighbours name {metrics['knn_accuracy']:.0%} of the test digits, "
        f"in PCA's {metrics['pca_knn_accuracy']:.0%}, and its squared error is "
        f"{metrics['reconstruction_mse'] / metrics['pca_reconstruction_mse']:.2f} of PCA's."
    )
    places = {"Autoencoder": codes["test"][:ON_THE_MAP], "PCA": linear["test"][:ON_THE_MAP], "t-SNE": tsne["places"]}
    return Found(metrics, says, _sections(work, autoencoder, mnist, places, linear["made"]))


def trained(work: Work, mnist: "Given") -> "Autoencoder":
    """The lecture's autoencoder with a bottleneck of two, taught to reconstruct the training images."""
    import torch

    from headstart.encoders.autoencoder import BottleneckEncoder
    from headstart.objectives.autoencoder import Autoencoder
    from headstart.training.loop import train
    from headstart.training.recipe import Recipe
    from headstart.training.run import Run
    from headstart.training.training_set import TrainingSet

    torch.manual_seed(work.seed)
    channels, height, width = mnist.shape
    encoder = BottleneckEncoder(channels, (height, width), bottleneck=2)
    autoencoder = Autoencoder(encoder, shape=mnist.shape)
    epochs = QUICK_EPOCHS if work.quick else EPOCHS
    recipe = Recipe(epochs=epochs, batch_size=64, learning_rate=6e-3, seed=work.seed)

    def teach(folder: Path) -> None:
        train(
            autoencoder, TrainingSet.of(mnist.x), recipe=recipe,
            run=Run(folder, resume=True, progress=lambda done: work.say("the autoencoder learns", 0.9 * done)),
        )  # fmt: skip

    work.network("autoencoder", autoencoder, teach)
    return autoencoder


def knn_accuracy(h: np.ndarray, y: np.ndarray, test_h: np.ndarray, test_y: np.ndarray) -> float:
    """Share of test places whose ten nearest training places vote for their class."""
    from sklearn.neighbors import KNeighborsClassifier

    return float(KNeighborsClassifier(NEIGHBOURS).fit(h, y).score(test_h, test_y))


def _codes(autoencoder: "Autoencoder", mnist: "Given") -> dict[str, np.ndarray | float]:
    """The codes of all images, and the mean squared error a pixel of the test images' reconstructions."""
    from headstart.representation.frozen import represent

    test = represent(autoencoder.encoder, mnist.test_x)
    made = decoded(autoencoder, test)
    error = float(np.square(made - mnist.test_x.numpy()).mean())
    return {"train": represent(autoencoder.encoder, mnist.x), "test": test, "mse": error}


def decoded(autoencoder: "Autoencoder", codes: np.ndarray) -> np.ndarray:
    """What the decoder makes of (n, 2) codes: (n, c, h, w) in [0, 1]."""
    import torch

    with torch.inference_mode():
        parts = [autoencoder.reconstruct.decoder(part) for part in torch.from_numpy(codes).split(256)]
    return torch.cat(parts).numpy()


def _pca(mnist: "Given") -> dict[str, np.ndarray | float]:
    """The same of the best linear map to two numbers and back."""
    from sklearn.decomposition import PCA

    rows, test_rows = mnist.x.flatten(1).numpy(), mnist.test_x.flatten(1).numpy()
    pca = PCA(2, random_state=0).fit(rows)
    test = pca.transform(test_rows)
    made = pca.inverse_transform(test)
    error = float(np.square(made - test_rows).mean())
    shown = made[:SHOWN].reshape(-1, *mnist.shape).clip(0, 1)
    return {"train": pca.transform(rows), "test": test, "mse": error, "made": shown.astype(np.float32)}


def _tsne(x: "Tensor") -> dict[str, np.ndarray]:
    from headstart.report.plane import tsne

    return {"places": tsne(x.flatten(1).numpy())}


def _sections(
    work: Work, autoencoder: "Autoencoder", mnist: "Given", places: dict[str, np.ndarray], linear: np.ndarray
) -> "list[Html]":
    """The three planes, digits beside their reconstructions, and the walk."""
    from headstart.report.elements import prose, section
    from headstart.report.plots import planes

    shown = mnist.test_x[:SHOWN].numpy()
    made = autoencoder.reconstruction(mnist.test_x[:SHOWN]).detach().numpy()
    rows = np.stack([shown, made, linear]).transpose(0, 1, 3, 4, 2)
    walk = _walk(autoencoder, places["Autoencoder"])
    drawn = planes(places, mnist.test_y[: len(places["PCA"])], mnist.class_names)
    return [
        section(
            "planes", "Three planes of test digits",
            work.chart("planes", drawn, "Test digits in the planes of the autoencoder, of PCA and of t-SNE",
                       "No plane was told the classes, which colour it."),
        ),
        section(
            "reconstructions", "Two numbers, and back",
            work.images("reconstructions", rows, "Test digits and their reconstructions",
                        "Test digits; what the autoencoder makes of its two numbers; what PCA makes of its two."),
        ),
        section(
            "walk", "A walk over the plane",
            prose("The decoder draws what lies at places all over the plane, spaced as the codes are: every row and "
                  "column holds an equal share of them. Between two digits lie shapes that are neither."),
            work.images("walk", walk, "Digits that the decoder draws at places all over its plane", side=40),
        ),
    ]  # fmt: skip


def _walk(autoencoder: "Autoencoder", codes: np.ndarray) -> np.ndarray:
    """(rows, columns, h, w, c): the decoder at the quantiles of both codes, the second upwards."""
    across, up = (np.quantile(codes[:, axis], np.linspace(0.02, 0.98, WALKED)) for axis in (0, 1))
    grid = np.stack(np.meshgrid(across, up[::-1]), -1).astype(np.float32)
    return decoded(autoencoder, grid.reshape(-1, 2)).transpose(0, 2, 3, 1).reshape(WALKED, WALKED, 28, 28, 1)
