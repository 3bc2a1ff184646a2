"""Supervised contrast: SimCLR's loss where nothing is labelled, the paper's where all is."""

import torch
from tests.objectives.losses import agree, rows

from headstart.objectives.simclr import nt_xent
from headstart.objectives.supcon import sup_con


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
