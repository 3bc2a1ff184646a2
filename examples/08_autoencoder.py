"""Two numbers a digit: the plane that the lecture's autoencoder learns without labels, beside the plane of PCA."""

import torch
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

import headstart
from headstart.encoders.autoencoder import BottleneckEncoder
from headstart.objectives.autoencoder import Autoencoder
from headstart.representation.frozen import represent
from headstart.training.loop import train
from headstart.training.recipe import Recipe
from headstart.training.training_set import TrainingSet

digits = headstart.load("digits")
x, y = torch.from_numpy(digits.images).permute(0, 3, 1, 2) / 255, digits.labels
known, new = slice(0, 1500), slice(1500, None)

# 32 filters, pool, 32, 16, pool, 16, 8, two linear units, and the same way back; the loss is the squared error.
torch.manual_seed(0)
autoencoder = Autoencoder(BottleneckEncoder(1, (8, 8), bottleneck=2), shape=(1, 8, 8))
train(autoencoder, TrainingSet.of(x[known]), recipe=Recipe(epochs=30, batch_size=64))

# Ten neighbours among the known digits vote for the class of a new one.
h = represent(autoencoder.encoder, x)
pixels = x.flatten(1).numpy()
linear = PCA(2).fit(pixels[known]).transform(pixels)
of_h, of_linear = (
    KNeighborsClassifier(10).fit(plane[known], y[known]).score(plane[new], y[new]) for plane in (h, linear)
)
print(f"neighbours name {of_h:.0%} of the new digits in the autoencoder's plane, {of_linear:.0%} in PCA's")

assert h.shape == linear.shape == (1797, 2)
assert of_h > of_linear + 0.1
