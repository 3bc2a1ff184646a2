"""A data set as recipes take it: training and test images with their labels, as tensors in [0, 1]."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from headstart.data.dataset import Dataset
from headstart.data.pixels import Pixels
from headstart.errors import UserError
from headstart.recipes.work import Work


@dataclass(frozen=True, eq=False)
class Given:
    """x, y: training images (n, c, h, w) and labels (n,); test_x, test_y: those of the test set; class_names by label.

    pixels: how stored images became x, for a bundle's card.
    """

    x: Float[Tensor, "n c h w"]
    y: Int[np.ndarray, " n"]
    test_x: Float[Tensor, "m c h w"]
    test_y: Int[np.ndarray, " m"]
    class_names: tuple[str, ...]
    pixels: Pixels

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of an image."""
        return int(self.x.shape[1]), int(self.x.shape[2]), int(self.x.shape[3])

    def drawn(self, per_class: int, seed: int) -> Int[np.ndarray, " k"]:
        """Rows of the training set, so many of each class, drawn by the seed; in ascending order."""
        generator = np.random.default_rng([seed, per_class])
        rows = [generator.permutation(np.flatnonzero(self.y == k))[:per_class] for k in np.unique(self.y)]
        return np.sort(np.concatenate(rows))


def given(work: Work, source: str, *, train: int | None = None, test: int | None = None) -> Given:
    """The data set with its own training and test part; of each at most so many images, drawn by the work's seed.

    Raises:
        UserError: the source prescribes no test set.
    """
    dataset = work.load(source)
    if dataset.splits is None:
        raise UserError(f"{source} has no test set of its own: give one that has, such as mnist")
    pixels = Pixels.fit(dataset.inputs)
    x, y = _some(dataset, pixels, "train", train, work.seed)
    test_x, test_y = _some(dataset, pixels, "test", test, work.seed)
    return Given(x, y, test_x, test_y, dataset.class_names, pixels)


def _some(dataset: Dataset, pixels: Pixels, part: str, most: int | None, seed: int) -> tuple[Tensor, np.ndarray]:
    rows = np.flatnonzero((dataset.splits == part) & (dataset.labels >= 0))
    if most is not None and most < len(rows):
        rows = np.sort(np.random.default_rng([seed, most]).permutation(rows)[:most])
    return torch.from_numpy(pixels(dataset.inputs.read(rows))), dataset.labels[rows]
