"""MoCo's loss, its queue and its groups of keys."""

import dataclasses
import math

import pytest
import torch
from tests.objectives.losses import agree, rows
from tests.objectives.wiring import assert_computes, images, linear_encoder, share_of_the_way, step_away
from tests.objectives.wiring import batch as batch_of
from torch.nn import functional

from headstart.objectives.moco import MoCo, info_nce
from headstart.objectives.objective import Batch
from headstart.training.fit import encoder_spec, untrained_encoder
from headstart.training.training_set import TrainingSet

X = torch.rand(16, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def batch(rows_=slice(None)):
    x = X[rows_]
    keys = (torch.arange(16) * 7919 % 31)[rows_]
    index = torch.arange(16)[rows_]
    return Batch((x, x.flip(3)), x, torch.full_like(index, -1), torch.zeros_like(index), index, keys)


def moco(**options):
    encoder = untrained_encoder(encoder_spec("small", TrainingSet.of(X)), seed=0)
    torch.manual_seed(0)
    return MoCo(encoder, **{"queue": 40, "hidden": 32, "width": 8, **options})


def test_equal_similarities_cost_log_of_the_queue_and_one():
    z = torch.ones(3, 4)
    assert info_nce(z, z, torch.ones(9, 4), temperature=0.3).item() == pytest.approx(math.log(10), abs=1e-5)


def test_loss_and_gradient_are_equation_1():
    queue = rows(9, seed=3)

    def written_out(q, k):
        total = 0
        for a, b in zip(q, k, strict=True):
            others = torch.stack([torch.cosine_similarity(a, c, dim=0) for c in [b, *queue]]) / 0.3
            total = total + torch.logsumexp(others, 0) - others[0]
        return total / len(q)

    agree(lambda q, k: info_nce(q, k, queue, temperature=0.3), written_out, rows(seed=1), rows(seed=2))


def test_the_queue_takes_the_keys_in_order_and_forgets_the_oldest():
    made, keys = moco().train(), []
    for step in range(2):
        made(batch())
        made.after_step(step / 2)
        keys.append(made.newest[0])
    older, newest = keys
    assert torch.equal(made.queue, torch.cat((newest, older[:8])))
    assert torch.equal(made.owners, torch.cat((torch.arange(16).repeat(2), torch.arange(8))))


def test_an_images_own_old_keys_are_no_negatives_of_it():
    q, k, queue = rows(3, seed=1), rows(3, seed=2), rows(9, seed=3)
    own = torch.zeros(3, 9, dtype=torch.bool)
    own[:, 4:] = True
    found = info_nce(q, k, queue, temperature=0.3, own=own)
    assert torch.allclose(found, info_nce(q, k, queue[:4], temperature=0.3))


def test_keys_do_not_depend_on_the_order_of_the_batch():
    made = moco().train()
    straight, order = made._keys(X, batch().keys), torch.randperm(16)
    assert torch.allclose(made._keys(X[order], batch().keys[order]), straight[order], atol=1e-6)


def test_no_gradient_reaches_the_teacher_or_the_queue():
    made = moco().train()
    made(batch())["contrast"].backward()
    assert all(p.grad is None for p in made.teacher.parameters())
    assert all(p.grad is not None for p in made.encoder.parameters())


def test_loss_and_gradient_are_lightlys_with_a_memory_bank():
    """lightly's bank is the queue, its second input the keys; it draws no negative from the batch either."""
    from lightly.loss import NTXentLoss

    def theirs(q, k):
        loss = NTXentLoss(temperature=0.3, memory_bank_size=(9, 5))
        loss.memory_bank.bank = torch.nn.functional.normalize(rows(9, seed=3), dim=1)
        loss.memory_bank.bank_ptr = torch.zeros(1, dtype=torch.int64)
        return loss(q, k)

    agree(lambda q, k: info_nce(q, k, rows(9, seed=3), temperature=0.3), theirs, rows(seed=1), rows(seed=2), atol=1e-5)


def test_version_1_has_one_dense_layer():
    assert len(moco(version=1).projector) == 1


def tiny(version, **options):
    torch.manual_seed(0)
    return MoCo(linear_encoder(), version=version, queue=40, hidden=7, width=4, **options).double()


@pytest.mark.parametrize("version", [1, 2])
def test_each_view_finds_the_teachers_key_of_the_other_among_the_queues_keys_of_other_images(version):
    """Queries of both views are normalised together, keys of each apart: here in one group."""
    made, given = tiny(version, groups=1), batch_of(images(seed=1), images(seed=2))
    made.queue.copy_(functional.normalize(made.queue, dim=1))  # of unit length in float64 too
    made.owners[5:25] = torch.arange(98, 108).repeat(2)  # the batch's are 100 to 105
    step_away(made)

    def direction(q, other):
        k = functional.normalize(made.teacher.network(other), dim=1).detach()
        total = 0
        for i, index in enumerate(given.index):
            keys = torch.cat((k[i : i + 1], made.queue[made.owners != index]))
            assert len(keys) == 1 + 40 - 2
            total = total - (keys @ q[i] / 0.2).log_softmax(0)[0]
        return total / len(q)

    def written_out():
        q = functional.normalize(made.projector(made.encoder(torch.cat(given.views))), dim=1)
        return (direction(q[:6], given.views[1]) + direction(q[6:], given.views[0])) / 2

    assert_computes(made, given, written_out)


def test_the_queue_takes_the_teachers_unit_keys_of_both_views_with_their_images():
    made, given = tiny(1), batch_of(images(seed=1), images(seed=2))
    step_away(made)
    keys = functional.normalize(made.teacher.network(torch.cat(given.views)), dim=1)
    made(given)
    made.after_step(0.0)
    assert torch.allclose(made.queue[:12], keys)
    assert torch.equal(made.owners[:12], given.index.repeat(2))


def test_the_teacher_begins_as_the_student_and_moves_by_a_hundredth_of_the_way_in_every_step():
    made, x = tiny(1), images(seed=1)
    assert torch.equal(made.teacher(x), made.projector(made.encoder(x)))
    assert [share_of_the_way(made, progress) for progress in (0.0, 0.5, 1.0)] == pytest.approx([0.01] * 3)


def test_a_key_shares_its_batch_statistics_with_its_part_of_the_batch_only():
    """So that a query cannot know its key by the statistics that both are normalised by."""
    made, given = moco().train(), batch()
    made(given)
    keys, neighbours = made.newest[0][:16], given.keys.argsort().view(4, 4)
    for i in (0, 7, 15):
        x = X.clone()
        x[i] = 1 - x[i]
        made(dataclasses.replace(given, views=(x, given.views[1])))
        changed = (made.newest[0][:16] - keys).abs().amax(1) > 1e-5
        (part,) = (row for row in neighbours.tolist() if i in row)
        assert changed.nonzero().flatten().tolist() == sorted(part)
