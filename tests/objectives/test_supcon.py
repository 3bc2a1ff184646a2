"""Supervised contrast: SimCLR's loss where nothing is labelled, the paper's where all is."""

import math

import pytest
import torch
from tests.objectives.losses import agree, rows
from tests.objectives.wiring import as_images, assert_computes, batch, images, linear_encoder, pixels
from torch import nn

from headstart.objectives.simclr import nt_xent
from headstart.objectives.supcon import SupCon, sup_con


def test_without_labels_it_is_simclrs_loss():
    nothing = torch.full((7,), -1)
    agree(
        lambda a, b: sup_con(a, b, nothing, temperature=0.3),
        lambda a, b: nt_xent(a, b, temperature=0.3),
        rows(seed=1),
        rows(seed=2),
    )


def test_loss_and_gradient_are_equation_2():
    y = torch.tensor([0, 1, 0, 2, 1, 0, -1])

    def written_out(z1, z2):
        z = torch.nn.functional.normalize(torch.cat([z1, z2]), dim=1)
        labels = [*y.tolist()[:6], "own"] * 2
        total = 0
        for i in range(14):
            others = [a for a in range(14) if a != i]
            positive = [p for p in others if labels[p] == labels[i]]
            floor = torch.logsumexp(z[others] @ z[i] / 0.3, 0)
            total = total - sum(z[i] @ z[p] / 0.3 - floor for p in positive) / len(positive)
        return total / 14

    agree(lambda a, b: sup_con(a, b, y, temperature=0.3), written_out, rows(seed=1), rows(seed=2))


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ([-1, -1, -1, -1], 5),  # only the own other view, whose similarity over τ is 5
        ([0, 0, 1, -1], (2 * 5 / 3 + 2 * 5) / 4),  # the first two also want each other, at 0
        ([2, 2, 2, 2], 5 / 7),
    ],
)
def test_images_of_a_label_must_find_each_other(labels, found):
    made, one = SupCon(pixels(4)), as_images(torch.eye(4))
    made.projector = nn.Identity()
    loss = made(batch(one, one, y=torch.tensor(labels)))["contrast"].item()
    assert loss == pytest.approx(math.log(math.exp(5) + 6) - found, rel=1e-4)


def test_the_two_views_projections_and_the_labels_are_what_is_contrasted():
    torch.manual_seed(0)
    made = SupCon(linear_encoder(), hidden=7, width=4).double()
    y = torch.tensor([0, 1, 0, 2, 1, -1])
    given = batch(images(seed=1), images(seed=2), y=y)

    def written_out():
        z = made.projector(made.encoder(torch.cat(given.views)))
        return sup_con(z[:6], z[6:], y, temperature=0.2)

    assert_computes(made, given, written_out)
