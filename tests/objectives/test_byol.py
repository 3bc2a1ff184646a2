"""BYOL's loss and its teacher."""

import pytest
import torch
from tests.objectives.losses import agree, rows
from torch import nn

from headstart.encoders.teacher import Teacher, rising
from headstart.objectives.byol import regression_loss


def test_the_loss_is_zero_for_equal_directions_two_for_orthogonal_and_four_for_opposite_ones():
    p = torch.eye(4, dtype=torch.float64)
    assert regression_loss(p, 3 * p).item() == pytest.approx(0, abs=1e-9)
    assert regression_loss(p, p.roll(1, 0)).item() == pytest.approx(2, abs=1e-9)
    assert regression_loss(p, -p).item() == pytest.approx(4, abs=1e-9)


def test_loss_and_gradient_are_the_squared_distance_of_unit_vectors():
    def written_out(p, z):
        return ((p / p.norm(dim=1, keepdim=True) - z / z.norm(dim=1, keepdim=True)) ** 2).sum(1).mean()

    agree(regression_loss, written_out, rows(seed=1), rows(seed=2))


def test_loss_and_gradient_are_two_plus_twice_lightlys():
    loss = pytest.importorskip("lightly.loss").NegativeCosineSimilarity()
    agree(regression_loss, lambda p, z: 2 + 2 * loss(p, z), rows(seed=1), rows(seed=2))


def test_the_teacher_moves_by_one_minus_momentum_of_the_way():
    student = nn.Linear(2, 2)
    teacher = Teacher(student)
    with torch.no_grad():
        student.weight.add_(1.0)
    before = teacher.network[0].weight.clone()
    teacher.follow(student, momentum=0.75)
    assert torch.allclose(teacher.network[0].weight, before + 0.25)
    assert not teacher(torch.ones(1, 2)).requires_grad


def test_the_momentum_rises_from_its_start_to_one():
    assert rising(0.9, 0.0) == pytest.approx(0.9)
    assert rising(0.9, 0.5) == pytest.approx(0.95)
    assert rising(0.9, 1.0) == 1
