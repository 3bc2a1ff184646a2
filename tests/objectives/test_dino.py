"""DINO's loss and centre."""

import math

import pytest
import torch
from tests.objectives.losses import agree, rows

from headstart.objectives.dino import balanced_center, cross_entropy, koleo

SHARP = {"student_temperature": 0.1, "teacher_temperature": 0.04}


def test_equal_scores_cost_log_of_the_groups():
    equal, none = torch.zeros(3, 8), torch.zeros(8)
    assert cross_entropy(equal, equal, none, **SHARP).item() == pytest.approx(math.log(8), abs=1e-5)


def test_the_centre_takes_away_what_all_images_share():
    student, teacher, shift = rows(seed=1), rows(seed=2), rows(1, seed=3)[0]
    plain = cross_entropy(student, teacher, torch.zeros(5, dtype=torch.float64), **SHARP)
    assert torch.allclose(cross_entropy(student, teacher + shift, shift, **SHARP), plain)


def test_loss_and_gradient_are_equation_3():
    center = rows(1, seed=3)[0]

    def written_out(student, teacher):
        total = 0
        for s, t in zip(student, teacher, strict=True):
            wanted = torch.exp((t - center) / 0.04) / torch.exp((t - center) / 0.04).sum()
            total = total - (wanted * (s / 0.1 - torch.logsumexp(s / 0.1, 0))).sum()
        return total / len(student)

    agree(lambda s, t: cross_entropy(s, t, center, **SHARP), written_out, rows(seed=1), rows(seed=2) * 0.1)


def test_loss_and_gradient_are_lightlys():
    """lightly centres with the mean of the teacher's scores so far, and sums over ordered pairs of different views."""
    from lightly.loss import DINOLoss

    teachers, center = [rows(seed=3), rows(seed=4)], rows(1, seed=5)[0]

    def ours(*students):
        pairs = zip(students, reversed(teachers), strict=True)
        return sum(cross_entropy(s, t, center, **SHARP) for s, t in pairs) / 2

    def theirs(*students):
        loss = DINOLoss(output_dim=5, warmup_teacher_temp=0.04, teacher_temp=0.04, student_temp=0.1)
        loss.center.copy_(center)
        return loss(teachers, list(students), epoch=0)

    agree(ours, theirs, rows(seed=1), rows(seed=2), atol=1e-5)


def test_the_balanced_centre_fills_all_groups_alike_where_the_mean_leaves_some_empty():
    teacher = 0.1 * rows(64, seed=1) * torch.tensor([1.0, 0.1, 0.1, 0.1, 0.1]) + rows(1, seed=2)[0]

    def unevenness(center):
        filled = ((teacher - center) / 0.04).softmax(1).mean(0) * teacher.shape[1]
        return (filled - 1).abs().max().item()

    balanced = [unevenness(balanced_center(teacher, temperature=0.04, rounds=rounds)) for rounds in (0, 1, 3, 30)]
    assert balanced == sorted(balanced, reverse=True)
    assert balanced[3] < 1e-3
    assert balanced[2] < unevenness(teacher.mean(0)) / 2


def test_the_balanced_centre_gives_the_assignment_of_sinkhorn_and_knopp():
    """Caron et al. 2020, equation 3: exp(scores / temperature), whose rows and columns are made equal in turn."""
    teacher = 0.2 * rows(6, seed=1)
    q = torch.exp(teacher / 0.04)
    for _ in range(4):
        q = q / q.sum(1, keepdim=True)
        q = q / q.sum(0)
    center = balanced_center(teacher, temperature=0.04, rounds=4)
    assert torch.allclose(((teacher - center) / 0.04).softmax(1), q / q.sum(1, keepdim=True))


def test_rows_far_from_each_other_have_the_lower_koleo_whatever_their_lengths():
    even, near = torch.eye(4), torch.eye(4) * 0.1 + 1
    assert koleo(even).item() == pytest.approx(-math.log(math.sqrt(2)), abs=1e-5)
    assert koleo(even * torch.tensor([[1.0], [2.0], [3.0], [4.0]])) == pytest.approx(koleo(even).item(), abs=1e-5)
    assert koleo(near) > koleo(even) + 1


def test_koleo_and_its_gradient_are_equation_2_and_lightlys():
    from lightly.loss import KoLeoLoss

    def written_out(h):
        unit = h / h.norm(dim=1, keepdim=True)
        total = 0
        for i in range(16):
            total = total - torch.log(torch.stack([(unit[i] - unit[k]).norm() for k in range(16) if k != i]).min()) / 16
        return total

    agree(koleo, written_out, rows(16, seed=1), atol=1e-5)
    agree(koleo, KoLeoLoss(), rows(16, seed=1), atol=1e-5)
