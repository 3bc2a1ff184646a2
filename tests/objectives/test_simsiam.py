"""SimSiam's loss, and what its stop-gradient is for."""

import pytest
import torch
from tests.objectives.losses import agree, rows

from headstart.objectives.simsiam import negative_cosine


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
