"""Cross-entropy against facts derivable by hand."""

import math

import pytest
import torch

from headstart.objectives.supervised import cross_entropy


@pytest.mark.parametrize("k", [2, 3, 10])
def test_equal_logits_cost_log_k(k):
    assert cross_entropy(torch.zeros(5, k), torch.zeros(5, dtype=torch.int64)).item() == pytest.approx(math.log(k))


def test_unlabelled_rows_do_not_count():
    logits, y = torch.randn(6, 3), torch.tensor([0, -1, 2, -1, 1, -1])
    assert torch.allclose(cross_entropy(logits, y), cross_entropy(logits[y >= 0], y[y >= 0]))


def test_without_labels_there_is_nothing_to_lose():
    assert cross_entropy(torch.randn(4, 3), torch.full((4,), -1)).item() == 0.0
