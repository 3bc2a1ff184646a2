"""A map of what an encoder learned without labels: neighbours on it are mostly of one class, on a random map never."""

import shutil
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from openTSNE import TSNE
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier

import headstart

folder = Path("runs/example-05")
shutil.rmtree(folder, ignore_errors=True)
digits = headstart.load("digits")

bundle = headstart.pretrain(digits, method="autoencoder", recipe=headstart.Recipe(epochs=3), run=headstart.Run(folder))
h = bundle.embed(digits)
xy = np.asarray(TSNE(random_state=0).fit(h[:1000]))
y = digits.labels[:1000]

figure = Figure(figsize=(6, 6))
axes = figure.add_subplot(title="Digits, as an autoencoder sees them", xticks=[], yticks=[])
axes.scatter(*xy.T, c=y, s=6, cmap="tab10")
figure.savefig(folder / "map.png", dpi=200)

random_map = np.random.default_rng(0).normal(size=xy.shape)
on_map, at_random = (cross_val_score(KNeighborsClassifier(), plane, y).mean() for plane in (xy, random_map))
print(
    f"class told by the nearest neighbours: {on_map:.0%} on the map in {folder / 'map.png'}, {at_random:.0%} at random"
)

assert at_random < 0.2, "ten classes"
assert on_map > 0.8, "labels were never used, and yet the classes lie apart"
