"""Cross-entropy against facts derivable by hand."""

import math

import pytest
import torch
from tests.objectives.losses import rows
from tests.objectives.wiring import as_images, assert_computes, batch, images, linear_encoder, pixels
from torch import nn

from headstart.objectives.supervised import Supervised, cross_entropy


@pytest.mark.parametrize("k", [2, 3, 10])
def test_equal_logits_cost_log_k(k):
    assert cross_entropy(torch.zeros(5, k), torch.zeros(5, dtype=torch.int64)).item() == pytest.approx(math.log(k))


def test_unlabelled_rows_do_not_count():
    logits, y = torch.randn(6, 3), torch.tensor([0, -1, 2, -1, 1, -1])
    assert torch.allclose(cross_entropy(logits, y), cross_entropy(logits[y >= 0], y[y >= 0]))


def test_without_labels_there_is_nothing_to_lose():
    assert cross_entropy(torch.randn(4, 3), torch.full((4,), -1)).item() == 0.0


def test_a_labelled_view_is_told_its_class_and_an_unlabelled_one_nothing():
    made, scores = Supervised(pixels(3), classes=3), rows(4, 3)
    made.head = nn.Identity()
    view = as_images(scores).requires_grad_()
    given = batch(view, x=as_images(rows(4, 3, seed=9)), y=torch.tensor([2, -1, 0, 1]))
    loss = made(given)["cross_entropy"]
    wanted = -(scores[0].log_softmax(0)[2] + scores[2].log_softmax(0)[0] + scores[3].log_softmax(0)[1]) / 3
    assert loss.item() == pytest.approx(wanted.item())
    (gradient,) = torch.autograd.grad(loss, view)
    assert (gradient.flatten(1) != 0).any(1).tolist() == [True, False, True, True]


def test_encoder_and_head_learn_together():
    torch.manual_seed(0)
    made = Supervised(linear_encoder(), classes=3).double()
    y = torch.tensor([2, 0, 0, 1, 1, 2])
    given = batch(images(seed=1), y=y)

    def written_out():
        return -made.head(made.encoder(given.views[0])).log_softmax(1)[torch.arange(6), y].mean()

    assert_computes(made, given, written_out)
