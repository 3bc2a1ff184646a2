"""Transfer as a lecture shows it: learn digits 0 to 4, freeze the convolutions, put a new head on, learn 5 to 9."""

import numpy as np
import torch

import headstart
from headstart.encoders.networks import lecture_flat
from headstart.reuse.transfer import Transfer, lecture_head
from headstart.training.recipe import Recipe

digits = headstart.load("digits")
images, labels = digits.images, digits.labels
low, high = np.flatnonzero(labels < 5), np.flatnonzero(labels > 4)

torch.manual_seed(0)
network = lecture_flat(channels=1, size=(8, 8), mean=[0.3], std=[0.4])
recipe = Recipe(epochs=5, batch_size=32, optimiser="sgd", learning_rate=1e-2, momentum=0.9, schedule="constant")
source = Transfer(network, head=lecture_head, frozen=(), recipe=recipe).fit(images[low], labels[low])

train, test = high[:450], high[450:]
model = Transfer(source.encoder_, layer="features", head=lecture_head, frozen="all", recipe=recipe)
print(model.summary(classes=5))
model.fit(images[train], labels[train])
accuracy = model.score(images[test], labels[test])
print(f"accuracy {accuracy:.2f} on {len(test)} digits 5 to 9, with convolutions that saw only 0 to 4; chance is 0.20")

assert accuracy > 0.85
