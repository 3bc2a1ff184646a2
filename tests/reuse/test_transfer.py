"""Fine-tuning learns the labels in a copy and leaves the encoder it was given alone."""

import numpy as np
import torch

from headstart.representation.frozen import fingerprint, represent
from headstart.reuse.finetune import FinetunedClassifier
from headstart.reuse.heads import LinearHead
from headstart.training.fit import encoder_spec, untrained_encoder
from headstart.training.recipe import Recipe

Y = np.arange(24) % 3 * 2  # labels need not be 0..k-1
X = torch.rand(24, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 0.2
for i, label in enumerate(Y):
    X[i, :, 4 * (label // 2) : 4 * (label // 2) + 4] += 0.7
RECIPE = Recipe(epochs=15, batch_size=8, learning_rate=3e-3)


def fitted():
    encoder = untrained_encoder(encoder_spec("small", X), seed=0)
    before = fingerprint(encoder)
    made = FinetunedClassifier(encoder, recipe=RECIPE, views=None).fit(X, Y)
    return encoder, before, made


def test_it_learns_what_can_be_learned_and_leaves_the_original_alone():
    encoder, before, made = fitted()
    p = LinearHead(made.weight_, made.bias_).predict_proba(represent(made.encoder_, X))
    assert made.classes_.tolist() == [0, 2, 4]
    assert (made.classes_[p.argmax(1)] == Y).mean() > 0.9
    assert fingerprint(encoder) == before != fingerprint(made.encoder_)


def test_the_same_recipe_gives_the_same_bits():
    (_, _, a), (_, _, b) = fitted(), fitted()
    assert fingerprint(a.encoder_) == fingerprint(b.encoder_)
    assert np.array_equal(a.weight_, b.weight_)
