"""Six networks learn the same digits: where each goes, judged by all that it says about images it has not seen."""

from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from scipy.spatial.distance import pdist
from sklearn.manifold import Isomap

import headstart
from headstart.encoders.networks import mlp
from headstart.objectives.supervised import Supervised
from headstart.training.loop import train
from headstart.training.recipe import Recipe
from headstart.training.run import Run
from headstart.training.training_set import TrainingSet

digits = headstart.load("digits")
x, y = torch.from_numpy(digits.images).permute(0, 3, 1, 2) / 255, torch.from_numpy(digits.labels)


def path(seed):
    """What a network says before its first step and after each epoch: ten probabilities for each of the last 500."""
    torch.manual_seed(seed)
    network, said = Supervised(mlp(1, (8, 8), mean=[0.3], std=[0.4]), classes=10), []

    def watch(network, log):
        said.append(network.eval().head(network.encoder(x[-500:])).softmax(1).flatten().detach().numpy())

    train(network, TrainingSet.of(x[:500], y[:500]), recipe=Recipe(epochs=10, seed=seed), run=Run(watch=watch))
    return said


paths = np.array([path(seed) for seed in range(6)])  # (networks, epochs + 1, 5000)

# One map of all of them, made of the distances from neighbour to neighbour.
plane = Isomap(n_neighbors=10).fit_transform(paths.reshape(-1, 5000)).reshape(6, -1, 2)
figure = Figure(figsize=(6, 6))
axes = figure.add_subplot(title="Six networks, from the start (dark) to the end (light)", xticks=[], yticks=[])
for way in plane:
    axes.plot(*way.T, color="lightgrey", zorder=0)
    axes.scatter(*way.T, c=range(len(way)), s=20)
file = Path("runs/example-10.png")
file.parent.mkdir(exist_ok=True)
figure.savefig(file, dpi=200)

named = paths.reshape(6, -1, 500, 10).argmax(3)
same = [1 - pdist(named[:, epoch], "hamming").mean() for epoch in (0, -1)]
apart = [pdist(paths[:, epoch]).mean() for epoch in (0, -1)]
print(f"two networks name the same class for {same[0]:.0%} of the images at first, for {same[1]:.0%} in the end")
print(f"and yet each ends in a place of its own: {apart[0]:.1f} apart at first, {apart[1]:.1f} in the end")

assert same[1] > same[0] + 0.5
assert apart[1] > apart[0]
