"""VICReg's three terms."""

import pytest
import torch
from tests.objectives.losses import agree, rows
from tests.objectives.wiring import as_images, assert_computes, batch, images, linear_encoder, pixels
from torch import nn

from headstart.objectives.vicreg import VICReg, terms


def test_equal_views_have_no_invariance_cost_and_a_collapsed_one_costs_all_of_the_variance():
    z = torch.full((6, 3), 0.4, dtype=torch.float64)
    invariance, variance, covariance = terms(z, z)
    assert invariance == 0
    assert variance.item() == pytest.approx(2 * (1 - 1e-4**0.5))
    assert covariance.item() == pytest.approx(0, abs=1e-20)


def test_columns_that_are_copies_cost_covariance():
    column = rows(30, 1)
    assert terms(column.expand(-1, 2), column.expand(-1, 2))[2].item() == pytest.approx(
        2 * column.var().item() ** 2, rel=1e-6
    )


def weighted(z1, z2):
    """As the authors weigh: the invariance as a mean over the columns too."""
    invariance, variance, covariance = terms(z1, z2)
    return 25 * invariance / z1.shape[1] + 25 * variance + covariance


def test_loss_and_gradient_are_the_papers_formulas():
    def written_out(z1, z2):
        n, d = z1.shape
        total = 25 * ((z1 - z2) ** 2).sum() / (n * d)
        for z in (z1, z2):
            centred = z - z.mean(0)
            covariance = centred.T @ centred / (n - 1)
            for j in range(d):
                total = total + 25 * torch.clamp(1 - (covariance[j, j] + 1e-4).sqrt(), min=0) / d
                total = total + sum(covariance[i, j] ** 2 for i in range(d) if i != j) / d
        return total

    agree(weighted, written_out, rows(seed=1), rows(seed=2))


def test_loss_and_gradient_agree_with_lightly_which_halves_the_variance():
    loss = pytest.importorskip("lightly.loss").VICRegLoss(lambda_param=25.0, mu_param=50.0, nu_param=1.0)
    agree(weighted, loss, rows(seed=1), rows(seed=2), atol=1e-5)


def weighed(z1, z2):
    """The method's own terms of these projections, in its order."""
    made = VICReg(pixels(z1.shape[1]))
    made.projector = nn.Identity()
    return [term.item() for term in made(batch(as_images(z1), as_images(z2))).values()]


def test_distance_lack_of_deviation_and_covariance_each_cost_more_than_nothing_by_their_weights():
    z = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]], dtype=torch.float64)  # variances of 4/3
    assert weighed(z, z) == pytest.approx([0, 0, 0], abs=1e-9)
    shifted = [25 * 2 * 0.3**2 / 256, 0, 0]  # over the width of the projector by default
    assert weighed(z, z + 0.3) == pytest.approx(shifted)
    lacking = 1 - (0.3**2 * 4 / 3 + 1e-4) ** 0.5
    assert weighed(0.3 * z, 0.3 * z) == pytest.approx([0, 25 * 2 * lacking, 0], abs=1e-9)
    twice = z[:, :1].expand(4, 2)
    assert weighed(twice, twice) == pytest.approx([0, 0, 2 * (4 / 3) ** 2])


def test_the_two_views_projections_are_what_is_weighed():
    torch.manual_seed(0)
    made = VICReg(linear_encoder(), invariance=3, variance=5, covariance=7, hidden=7, width=4).double()
    given = batch(images(seed=1), images(seed=2))

    def written_out():
        z1, z2 = made.projector(made.encoder(torch.cat(given.views))).chunk(2)
        invariance, variance, covariance = terms(z1, z2)
        return 3 * invariance / 4 + 5 * variance + 7 * covariance

    assert_computes(made, given, written_out)
