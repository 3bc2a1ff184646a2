"""SimCLR's loss against what can be derived by hand, against float64, and against lightly."""

import math

import pytest
import torch
from tests.objectives.losses import agree, rows

from headstart.objectives.simclr import nt_xent


@pytest.mark.parametrize("n", [2, 5, 17])
def test_equal_similarities_cost_log_of_all_but_one(n):
    z = torch.ones(n, 8)
    assert nt_xent(z, z, temperature=0.5).item() == pytest.approx(math.log(2 * n - 1), abs=1e-5)


def test_the_loss_does_not_depend_on_the_length_of_z():
    z1, z2 = torch.randn(6, 4), torch.randn(6, 4)
    assert torch.allclose(nt_xent(z1, z2, temperature=0.2), nt_xent(7 * z1, 0.1 * z2, temperature=0.2), atol=1e-5)


def test_loss_and_gradient_are_equation_1():
    def written_out(z1, z2):
        z = torch.nn.functional.normalize(torch.cat([z1, z2]), dim=1)
        n, total = len(z1), 0
        for i in range(2 * n):
            others = [k for k in range(2 * n) if k != i]
            total = total - z[i] @ z[(i + n) % (2 * n)] / 0.3 + torch.logsumexp(z[others] @ z[i] / 0.3, 0)
        return total / (2 * n)

    agree(lambda a, b: nt_xent(a, b, temperature=0.3), written_out, rows(seed=1), rows(seed=2), atol=1e-12)


def test_loss_and_gradient_agree_with_lightly():
    theirs = pytest.importorskip("lightly.loss").NTXentLoss(temperature=0.5)
    agree(lambda a, b: nt_xent(a, b, temperature=0.5), theirs, rows(16, 8, seed=1), rows(16, 8, seed=2), atol=1e-5)


def test_swapping_the_views_changes_nothing():
    z1, z2 = torch.randn(9, 4), torch.randn(9, 4)
    assert torch.allclose(nt_xent(z1, z2, temperature=0.1), nt_xent(z2, z1, temperature=0.1), atol=1e-6)
