"""From one to five labels a class: nearest neighbours in the space of an encoder that never saw a label."""

import shutil
from pathlib import Path

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

import headstart

folder = Path("runs/example-11")
shutil.rmtree(folder, ignore_errors=True)
digits = headstart.load("digits")
unlabelled = headstart.load(digits.images[:1300])

bundle = headstart.pretrain(unlabelled, recipe=headstart.Recipe(epochs=20), run=headstart.Run(folder))
h, pixels, y = bundle.embed(digits), digits.images.reshape(len(digits), -1) / 255, digits.labels


def accuracy(vectors, shots):
    """Of the nearest of so many known digits a class, on the last 497 digits; the mean of 20 draws."""
    scores = []
    for draw in range(20):
        order = np.random.default_rng(draw).permutation(1300)
        known = np.concatenate([order[y[order] == k][:shots] for k in range(10)])
        nearest = KNeighborsClassifier(1).fit(vectors[known], y[known])
        scores.append(nearest.score(vectors[1300:], y[1300:]))
    return np.mean(scores)


learned, raw = ([accuracy(vectors, shots) for shots in range(1, 6)] for vectors in (h, pixels))
for shots in range(1, 6):
    print(f"{shots} a class: {learned[shots - 1]:.2f}, and {raw[shots - 1]:.2f} on pixels")

assert learned == sorted(learned), "more is better"
assert np.mean(learned) > np.mean(raw), "and better neighbours than the pixels have"
