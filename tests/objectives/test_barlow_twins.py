"""Barlow Twins' matrix and loss."""

import numpy as np
import pytest
import torch
from tests.objectives.losses import agree, rows
from tests.objectives.wiring import as_images, assert_computes, batch, images, linear_encoder, pixels
from torch import nn

from headstart.objectives.barlow_twins import BarlowTwins, cross_correlation


def test_the_matrix_is_the_correlation_of_columns():
    z1, z2 = rows(50, 4, seed=1), rows(50, 4, seed=2)
    expected = np.corrcoef(z1.numpy().T, z2.numpy().T)[:4, 4:]
    assert np.allclose(cross_correlation(z1, z2).numpy(), expected, atol=1e-4)


def test_a_view_correlates_fully_with_itself_however_it_is_scaled_and_shifted():
    z = rows(40, 3)
    assert torch.allclose(cross_correlation(z, 7 * z - 2).diagonal(), torch.ones(3, dtype=z.dtype), atol=1e-4)


def loss(z1, z2):
    c = cross_correlation(z1, z2)
    redundancy = c.square().sum() - c.diagonal().square().sum()
    return (1 - c.diagonal()).square().sum() + 5e-3 * redundancy


def test_loss_and_gradient_are_equation_1():
    def written_out(z1, z2):
        a, b = ((z - z.mean(0)) / (((z - z.mean(0)) ** 2).mean(0) + 1e-5).sqrt() for z in (z1, z2))
        total = 0
        for i in range(z1.shape[1]):
            for j in range(z1.shape[1]):
                c = (a[:, i] * b[:, j]).mean()
                total = total + ((1 - c) ** 2 if i == j else 5e-3 * c**2)
        return total

    agree(loss, written_out, rows(seed=1), rows(seed=2))


def test_loss_and_gradient_agree_with_lightly():
    theirs = pytest.importorskip("lightly.loss").BarlowTwinsLoss(lambda_param=5e-3)
    agree(loss, theirs, rows(seed=1), rows(seed=2), atol=1e-5)


def columns():
    """(8, 4): means of 0, deviations of 1, no two correlated."""
    signs = torch.tensor([[(-1.0) ** bin(i & j).count("1") for j in (1, 2, 4, 7)] for i in range(8)])
    assert torch.equal(signs.T @ signs, 8 * torch.eye(4))
    return signs.double()


@pytest.mark.parametrize(
    ("second", "invariance", "redundancy"),
    [
        (lambda z: z, 0, 0),
        (lambda z: -z, 4, 0),  # (1 − −1)² for each
        (lambda z: z.roll(1, 1), 1, 0.02),  # each is another's copy: 1² for its own, λ for the other
        (lambda z: z[:, :1].expand(8, 4), 0.75, 0.02 * 3 / 4),  # the first row of C is 1, all else 0
    ],
    ids=["equal", "opposite", "exchanged", "copies"],
)
def test_agreement_of_each_number_costs_nothing_and_its_repetition_costs_lambda(second, invariance, redundancy):
    made, z = BarlowTwins(pixels(4)), columns()
    made.projector = nn.Identity()
    terms = made(batch(as_images(z), as_images(second(z))))
    assert terms["invariance"].item() == pytest.approx(invariance, abs=1e-4)
    assert terms["redundancy"].item() == pytest.approx(redundancy, abs=1e-4)


def test_the_two_views_projections_are_what_is_correlated():
    torch.manual_seed(0)
    made = BarlowTwins(linear_encoder(), hidden=7, width=4).double()
    given = batch(images(seed=1), images(seed=2))

    def written_out():
        z1, z2 = made.projector(made.encoder(torch.cat(given.views))).chunk(2)
        c = cross_correlation(z1, z2)
        weight = torch.full((4, 4), 0.02, dtype=c.dtype).fill_diagonal_(1)
        return (weight * (torch.eye(4) - c).square()).sum() / 4

    assert_computes(made, given, written_out)
