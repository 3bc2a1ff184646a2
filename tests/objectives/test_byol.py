"""BYOL's loss, which view predicts which, and its teacher."""

import pytest
import torch
from tests.objectives.losses import agree, rows
from tests.objectives.wiring import assert_computes, batch, images, linear_encoder, share_of_the_way, step_away
from torch import nn
from torch.nn import functional

from headstart.encoders.teacher import Teacher, rising
from headstart.objectives.byol import BYOL, regression_loss
from headstart.training.loop import train
from headstart.training.recipe import Recipe
from headstart.training.training_set import TrainingSet


def byol(**options):
    torch.manual_seed(0)
    return BYOL(linear_encoder(), **{"hidden": 7, "width": 4, **options}).double()


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


def test_each_view_predicts_what_the_teacher_makes_of_the_other_and_no_gradient_passes_the_teacher():
    made, given = byol(), batch(images(seed=1), images(seed=2))
    step_away(made)

    def written_out():
        x = torch.cat(given.views)
        p1, p2 = functional.normalize(made.predictor(made.projector(made.encoder(x))), dim=1).chunk(2)
        t1, t2 = functional.normalize(made.teacher.network(x), dim=1).detach().chunk(2)
        return (p1 - t2).square().sum(1).mean() + (p2 - t1).square().sum(1).mean()

    assert_computes(made, given, written_out)
    assert not any(p.requires_grad for p in made.teacher.parameters())


def test_the_teacher_begins_as_encoder_and_projector_and_follows_both_ever_more_slowly():
    made, x = byol(momentum=0.9), images(seed=1)
    assert torch.equal(made.teacher(x), made.projector(made.encoder(x)))
    assert [share_of_the_way(made, progress) for progress in (0.0, 0.5, 1.0)] == pytest.approx([0.1, 0.05, 0.0])


def test_by_default_a_first_step_takes_the_teacher_three_hundredths_of_the_way():
    made = byol()
    assert share_of_the_way(made, 0.0) == pytest.approx(0.03)


def test_the_predictor_learns_at_ten_times_the_rate_of_the_rest():
    moved = []
    for rates in (None, {}):  # the method's own, and one for all
        made = byol()
        before = {name: p.clone() for name, p in made.named_parameters()}
        recipe = Recipe(
            epochs=1, batch_size=6, learning_rate=1e-3, weight_decay=0.0, optimiser="sgd", precision="float64"
        )
        train(made, TrainingSet.of(images(seed=1)), recipe=recipe.replace(rates=rates))
        moved.append({name: p - before[name] for name, p in made.named_parameters() if "teacher" not in name})
    own, common = moved
    for name, way in own.items():
        factor = 10 if name.startswith("predictor") else 1
        assert torch.allclose(way, factor * common[name], atol=1e-12), name
    assert common["predictor.0.weight"].abs().max() > 1e-6
