"""A map of what an encoder learned without labels: neighbours on it are mostly of one class, on a random map never."""

import shutil
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np

import headstart
from headstart.report.maps import knn_accuracy, tsne

folder = Path("runs/example-05")
shutil.rmtree(folder, ignore_errors=True)
digits = headstart.load("digits")

headstart.pretrain(digits, method="autoencoder", epochs=3, out=folder)
h = headstart.embed(folder, digits)
xy = tsne(h[:1000])
y = digits.labels[:1000]

figure, axes = plt.subplots(figsize=(6, 6))
axes.scatter(*xy.T, c=y, s=6, cmap="tab10")
axes.set(title="Digits, as an autoencoder sees them", xticks=[], yticks=[])
figure.savefig(folder / "map.png", dpi=150)

on_map = knn_accuracy(xy, y)
at_random = knn_accuracy(np.random.default_rng(0).normal(size=xy.shape), y)
print(
    f"nearest neighbours of the same class: {on_map:.0%} on the map in {folder / 'map.png'}, {at_random:.0%} at random"
)

assert at_random < 0.2, "ten classes"
assert on_map > 0.8, "labels were never used, and yet the classes lie apart"
