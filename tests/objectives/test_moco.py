"""MoCo's loss, its queue and its groups of keys."""

import math

import pytest
import torch
from tests.objectives.losses import agree, rows

from headstart.objectives.moco import MoCo, info_nce
from headstart.objectives.objective import Batch
from headstart.training.fit import encoder_spec, untrained_encoder

X = torch.rand(16, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def batch(rows_=slice(None)):
    x = X[rows_]
    keys = (torch.arange(16) * 7919 % 31)[rows_]
    index = torch.arange(16)[rows_]
    return Batch((x, x.flip(3)), x, torch.full_like(index, -1), torch.zeros_like(index), index, keys)


def moco(**options):
    encoder = untrained_encoder(encoder_spec("small", X), seed=0)
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
