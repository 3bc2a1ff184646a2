"""Barlow Twins' matrix and loss."""

import numpy as np
import pytest
import torch
from tests.objectives.losses import agree, rows

from headstart.objectives.barlow_twins import cross_correlation


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
