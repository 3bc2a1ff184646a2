"""DINO's loss and centre."""

import math

import pytest
import torch
from tests.objectives.losses import agree, rows
from tests.objectives.wiring import assert_computes, batch, images, linear_encoder, share_of_the_way, step_away

from headstart.objectives.dino import DINO, balanced_center, cross_entropy, koleo

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


def sinkhorn_knopp(teacher, rounds):
    """Caron et al. 2020: Q (k, n) of sum 1; in each round the groups' sums become 1/k, then the images' 1/n."""
    k, n = teacher.shape[1], len(teacher)
    q = [[math.exp(float(teacher[i, j]) / 0.04) for i in range(n)] for j in range(k)]
    for _ in range(rounds):
        q = [[value / (k * sum(row)) for value in row] for row in q]
        columns = [sum(row[i] for row in q) for i in range(n)]
        q = [[value / (n * columns[i]) for i, value in enumerate(row)] for row in q]
    return n * torch.tensor(q, dtype=teacher.dtype).T  # an image's shares sum to 1


@pytest.mark.parametrize("rounds", [1, 3])
def test_the_balanced_centre_gives_the_assignment_of_sinkhorn_and_knopp_groups_first(rounds):
    teacher = 0.2 * rows(6, seed=1)
    wanted = sinkhorn_knopp(teacher, rounds)
    center = balanced_center(teacher, temperature=0.04, rounds=rounds)
    assert torch.allclose(((teacher - center) / 0.04).softmax(1), wanted)
    assert torch.allclose(wanted.sum(1), torch.ones(6, dtype=wanted.dtype))


def test_after_many_rounds_each_group_holds_as_much_of_the_images_as_any_other():
    shares = sinkhorn_knopp(0.2 * rows(6, seed=1), 300)
    assert torch.allclose(shares.sum(0), torch.full((5,), 6 / 5, dtype=shares.dtype))
    center = balanced_center(0.2 * rows(6, seed=1), temperature=0.04, rounds=300)
    assert torch.allclose(((0.2 * rows(6, seed=1) - center) / 0.04).softmax(1), shares)


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


def dino(version, **options):
    torch.manual_seed(0)
    return DINO(linear_encoder(), version=version, **{"groups": 5, "hidden": 7, "width": 4, **options}).double()


@pytest.mark.parametrize("version", [1, 2])
def test_each_view_is_told_the_teachers_groups_of_the_other_by_the_centre_of_its_version(version):
    made, given = dino(version), batch(images(seed=1), images(seed=2))
    made.center.copy_(rows(1, seed=3)[0])
    step_away(made)
    t = made.teacher.network(torch.cat(given.views)).detach()
    wanted = ((t - made.center) / 0.04).softmax(1) if version == 1 else sinkhorn_knopp(t, 3)

    def written_out():
        h = made.encoder(torch.cat(given.views))
        told = (made.projector(h) / 0.1).log_softmax(1)
        first, second = -(wanted[6:] * told[:6]).sum(1), -(wanted[:6] * told[6:]).sum(1)
        spread = (koleo(h[:6]) + koleo(h[6:])) / 2 if version == 2 else 0
        return (first.mean() + second.mean()) / 2 + 0.1 * spread

    assert_computes(made, given, written_out)
    assert not any(p.requires_grad for p in made.teacher.parameters())


def test_the_first_versions_centre_is_a_moving_mean_of_the_teachers_scores():
    made, mean = dino(1), torch.zeros(5, dtype=torch.float64)
    for step in range(3):
        step_away(made)
        given = batch(images(seed=step), images(seed=10 + step))
        scores = made.teacher.network(torch.cat(given.views))
        made(given)
        made.after_step(step / 3)
        mean = 0.9 * mean + 0.1 * scores.mean(0)
        assert torch.allclose(made.center, mean)
    assert mean.abs().max() > 0.01


def test_the_teacher_begins_as_the_student_and_follows_it_ever_more_slowly():
    made, x = dino(1), images(seed=1)
    assert torch.equal(made.teacher(x), made.projector(made.encoder(x)))
    assert [share_of_the_way(made, progress) for progress in (0.0, 0.5, 1.0)] == pytest.approx([0.1, 0.05, 0.0])
