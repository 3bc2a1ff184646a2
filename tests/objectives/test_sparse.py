"""Sparsity is measured by hand, and what is penalised by it becomes sparse without losing the image."""

import pytest
import torch
from tests.objectives.losses import rows
from tests.objectives.wiring import assert_computes, batch, images, linear_encoder

from headstart.encoders.networks import dense
from headstart.objectives.objective import Objective
from headstart.objectives.sparse import Sparse, activity
from headstart.training.loop import train
from headstart.training.recipe import Recipe
from headstart.training.training_set import TrainingSet

X = torch.rand(64, 1, 8, 8, generator=torch.Generator().manual_seed(0)).square()


def test_activity_is_1_where_all_units_are_alike_and_one_over_root_d_where_one_speaks():
    h = torch.stack([torch.full((16,), 0.3), torch.eye(16)[5] * -7, torch.cat([torch.ones(4), torch.zeros(12)])])
    assert activity(h.double()).tolist() == pytest.approx([1, 1 / 4, 1 / 2])


def test_activity_is_blind_to_the_codes_scale_and_silence_costs_nothing():
    h = rows(9, 5)
    assert torch.allclose(activity(h), activity(1000 * h))
    assert activity(torch.zeros(2, 5)).tolist() == [0, 0]


def learned(weight: float) -> tuple[float, float]:
    """Mean squared error and activity after training."""
    torch.manual_seed(0)
    made: Objective = Sparse(dense(1, (8, 8), widths=(40,)), shape=(1, 8, 8), weight=weight)
    train(made, TrainingSet.of(X), recipe=Recipe(epochs=60, batch_size=16, learning_rate=0.01))
    with torch.no_grad():
        return float((made.reconstruction(X) - X).square().mean()), float(activity(made.encoder(X)).mean())


def test_a_penalised_code_is_sparser_and_still_holds_more_than_the_mean_image():
    (plain_error, plain), (error, sparse) = learned(0.0), learned(0.02)
    assert sparse < 0.8 * plain
    assert plain_error < error < float((X - X.mean(0)).square().mean())


def test_the_image_must_come_out_of_its_code_whose_activity_costs_its_weight():
    torch.manual_seed(0)
    made, given = Sparse(linear_encoder(), shape=(1, 2, 3), weight=0.7).double(), batch(x=images(seed=1))

    def written_out():
        h = made.encoder(given.x)
        back = made.reconstruct.decoder(h[:, :, None, None])
        share = h.abs().sum(1) / (5**0.5 * h.norm(dim=1))
        return (given.x - back).square().sum() / 36 + 0.7 * share.mean()

    assert_computes(made, given, written_out)
