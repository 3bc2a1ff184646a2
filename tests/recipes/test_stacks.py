"""Stacks are cut where greedy pretraining would have stopped, and only the weights they begin with tell them apart."""

import numpy as np
import pytest
import torch

from headstart.recipes.stacks import error, finetuned, lowest, probabilities, stack
from headstart.training.layerwise import pretrain_layerwise
from headstart.training.recipe import Recipe
from headstart.training.training_set import TrainingSet


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


def test_the_lowest_layers_of_a_pretrained_stack_are_a_shallower_stack_pretrained(digits):
    made = {}
    for depth in (2, 3):
        made[depth] = stack(digits.shape, depth=depth, width=9, activation="sigmoid", seed=4)
        recipe = Recipe(epochs=depth, batch_size=64, seed=4)
        pretrain_layerwise(made[depth], TrainingSet.of(digits.x), learner="denoising", recipe=recipe)
    assert same(lowest(made[3], 2), made[2])


def test_a_cut_stack_learns_without_changing_what_it_was_cut_from(digits):
    whole = stack(digits.shape, depth=2, width=9, activation="tanh", seed=0)
    before = [p.clone() for p in whole.parameters()]
    finetuned(lowest(whole, 1), digits.x, digits.y, classes=10, recipe=Recipe(epochs=1))
    assert all(torch.equal(p, q) for p, q in zip(before, whole.parameters(), strict=True))


def test_a_stack_is_poor_before_it_is_tuned_and_good_after(digits):
    errors = []
    finetuned(
        stack(digits.shape, depth=1, width=40, activation="tanh", seed=0), digits.x, digits.y, classes=10,
        recipe=Recipe(epochs=15, batch_size=32, learning_rate=2e-3),
        watch=lambda network: errors.append(error(probabilities(network, digits.test_x), digits.test_y)),
    )  # fmt: skip
    assert len(errors) == 1 + 15
    assert errors[0] > 0.6
    assert errors[-1] < 0.15


def test_probabilities_sum_to_one_and_dropout_does_not_disturb_them(digits):
    encoder = stack(digits.shape, depth=2, width=20, activation="relu", seed=0, dropout=0.5)
    network = finetuned(encoder, digits.x, digits.y, classes=10, recipe=Recipe(epochs=1))
    said = probabilities(network.train(), digits.test_x)
    assert said.sum(1) == pytest.approx(1, abs=1e-5)
    assert (said == probabilities(network, digits.test_x)).all()


def test_error_is_the_share_of_wrong_names():
    assert error(np.eye(3)[[0, 1, 2, 2]], np.array([0, 1, 2, 0])) == 0.25
