"""SimSiam's loss, and what its stop-gradient is for."""

import pytest
import torch
from tests.objectives.losses import agree, rows
from tests.objectives.wiring import as_images, assert_computes, batch, images, linear_encoder, pixels
from torch import nn
from torch.nn import functional

from headstart.objectives.simsiam import SimSiam, negative_cosine


def test_the_loss_is_minus_one_for_equal_directions_and_zero_for_orthogonal_ones():
    p = torch.eye(4, dtype=torch.float64)
    assert negative_cosine(p, 5 * p).item() == pytest.approx(-1)
    assert negative_cosine(p, p.roll(1, 0)).item() == pytest.approx(0)


def test_loss_and_gradient_are_the_papers_formula():
    def written_out(p, z):
        return -sum(a @ b / (a.norm() * b.norm()) for a, b in zip(p, z, strict=True)) / len(p)

    agree(negative_cosine, written_out, rows(seed=1), rows(seed=2))


def test_loss_and_gradient_agree_with_lightly():
    agree(negative_cosine, pytest.importorskip("lightly.loss").NegativeCosineSimilarity(), rows(seed=1), rows(seed=2))


def test_each_view_predicts_the_other_views_projection_through_which_no_gradient_passes():
    torch.manual_seed(0)
    made = SimSiam(linear_encoder(), hidden=7, width=4, bottleneck=3).double()
    given = batch(images(seed=1), images(seed=2))

    def written_out():
        z = made.projector(made.encoder(torch.cat(given.views)))
        p1, p2 = functional.normalize(made.predictor(z), dim=1).chunk(2)
        still1, still2 = functional.normalize(z, dim=1).detach().chunk(2)
        return -((p1 * still2).sum(1).mean() + (p2 * still1).sum(1).mean()) / 2

    assert_computes(made, given, written_out)


def test_views_that_share_nothing_cost_nothing_and_equal_ones_minus_one():
    made = SimSiam(pixels(4))
    made.projector = made.predictor = nn.Identity()
    one = torch.eye(4)
    assert made(batch(as_images(one), as_images(one)))["similarity"].item() == pytest.approx(-1)
    assert made(batch(as_images(one), as_images(one.roll(1, 0))))["similarity"].item() == pytest.approx(0)
