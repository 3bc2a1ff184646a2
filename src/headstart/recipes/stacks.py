"""Stacks of dense layers that begin at random or pretrained layer by layer, and are then fine-tuned on labels."""

import copy
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from headstart.encoders.networks import dense
from headstart.encoders.stages import Activation, Staged
from headstart.objectives.supervised import Supervised
from headstart.training.loop import train
from headstart.training.recipe import Recipe
from headstart.training.run import Run
from headstart.training.training_set import TrainingSet

CHUNK = 500


def stack(
    shape: tuple[int, int, int], *, depth: int, width: int, activation: Activation, seed: int, dropout: float = 0.0
) -> Staged:
    """Random dense layers of one width for images of that shape; a shallower stack of the seed has the same layers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return dense(shape[0], shape[1:], widths=(width,) * depth, activation=activation, dropout=dropout)


def lowest(encoder: Staged, depth: int) -> Staged:
    """A copy of the first ``depth`` stages: what greedy pretraining would have made of a stack of that depth."""
    channels, height, width = encoder.input_shape
    return Staged(copy.deepcopy(list(encoder.stages[:depth])), channels=channels, size=(height, width))


def finetuned(
    encoder: Staged, x: Float[Tensor, "n c h w"], y: Int[np.ndarray, " n"], *, classes: int, recipe: Recipe,
    watch: Callable[[Supervised], None] | None = None,
) -> Supervised:  # fmt: skip
    """The encoder, trained in place on the labels together with a head whose weights are drawn by the recipe's seed.

    watch: called with the network before the first step and after every epoch.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = Supervised(encoder, classes=classes)
    looked = None if watch is None else lambda *_: watch(network)
    train(network, TrainingSet.of(x, y), recipe=recipe, run=Run(watch=looked))
    return network


def probabilities(network: Supervised, x: Float[Tensor, "n c h w"]) -> Float[np.ndarray, "n k"]:
    """What the network says of images, in inference mode: for each a share a class, which sum to 1."""
    network.eval()
    with torch.inference_mode():
        logits = [network.head(network.encoder(part)) for part in x.split(CHUNK)]
    return torch.cat(logits).softmax(1).numpy()


def error(said: Float[np.ndarray, "n k"], y: Int[np.ndarray, " n"]) -> float:
    """Share of images whose likeliest class is another than their own."""
    return float((said.argmax(1) != y).mean())
