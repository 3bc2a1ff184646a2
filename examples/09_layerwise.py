"""Greedy layer-wise pretraining as the textbook writes it: train a stage, freeze it, go on; at last fine-tune all."""

import copy

import numpy as np
import torch
from torch import nn

import headstart
from headstart.encoders.stages import Staged, convolution
from headstart.objectives.simclr import SimCLR
from headstart.objectives.supervised import Supervised
from headstart.training.loop import train
from headstart.training.recipe import Recipe
from headstart.training.training_set import TrainingSet
from headstart.views.presets import PRESETS

digits = headstart.load("digits")
X, Y = torch.from_numpy(digits.images).permute(0, 3, 1, 2) / 255, torch.from_numpy(digits.labels)
labelled = np.concatenate([np.flatnonzero(digits.labels[:1300] == k)[:3] for k in range(10)])

torch.manual_seed(0)
stages = [convolution(1, 16), convolution(16, 32, stride=2), convolution(32, 64, stride=2)]
scratch = Staged(copy.deepcopy(stages), channels=1, size=(8, 8))

# f = identity; for each stage: f_k = learner(f(X)); f = f_k ∘ f. No label is seen.
f = Staged([nn.Identity()], channels=1, size=(8, 8))
for stage in stages:
    channels, *size = f.map_shape
    f_k = Staged([stage], channels=channels, size=tuple(size))
    train(
        SimCLR(f_k),
        TrainingSet.of(X[:1300], views=PRESETS["digits"], trunk=f.stages),
        recipe=Recipe(epochs=15, batch_size=64),
    )
    f = Staged([*f.stages, stage], channels=1, size=(8, 8)).requires_grad_(False)


def accuracy(encoder):
    """On the last 497 digits, once the encoder and a linear head were tuned with three labels a class."""
    network = Supervised(encoder.requires_grad_(True), classes=10)
    train(network, TrainingSet.of(X[labelled], Y[labelled]), recipe=Recipe(epochs=60, batch_size=32))
    return float((network.head(network.encoder(X[1300:])).argmax(1) == Y[1300:]).float().mean())


greedy, none = accuracy(f), accuracy(scratch)
print(f"three labels a class, tuned: {greedy:.0%} right after greedy pretraining, {none:.0%} from scratch")

assert greedy > none
