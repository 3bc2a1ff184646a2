"""SimCLR's loss against what can be derived by hand, against float64, and against lightly."""

import math

import pytest
import torch
from tests.objectives.losses import agree, rows
from tests.objectives.wiring import as_images, assert_computes, batch, images, linear_encoder, pixels
from torch import nn

from headstart.objectives.simclr import SimCLR, nt_xent


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


@pytest.mark.parametrize(("options", "sharpness"), [({}, 5), ({"temperature": 0.5}, 2)], ids=["default", "the paper's"])
def test_an_image_must_find_its_other_view_at_the_temperature_of_a_fifth_or_another(options, sharpness):
    made, one = SimCLR(pixels(4), **options), torch.eye(4)
    made.projector = nn.Identity()
    found = made(batch(as_images(one), as_images(one)))["contrast"].item()
    assert found == pytest.approx(math.log(math.exp(sharpness) + 6) - sharpness, rel=1e-4)
    another = made(batch(as_images(one), as_images(one.roll(1, 0))))["contrast"].item()  # found by another image's view
    assert another == pytest.approx(math.log(math.exp(sharpness) + 6), rel=1e-4)


def test_the_two_views_projections_are_what_is_contrasted():
    torch.manual_seed(0)
    made = SimCLR(linear_encoder(), hidden=7, width=4).double()
    given = batch(images(seed=1), images(seed=2))

    def written_out():
        z = made.projector(made.encoder(torch.cat(given.views)))
        return nt_xent(z[:6], z[6:], temperature=0.2)

    assert_computes(made, given, written_out)
