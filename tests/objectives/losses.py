"""What every loss is compared with: values and gradients, ours and another's, in float64."""

from collections.abc import Callable

import torch
from torch import Tensor


def agree(ours: Callable[..., Tensor], theirs: Callable[..., Tensor], *inputs: Tensor, atol: float = 1e-9) -> None:
    """Assert that two functions of the same tensors have the same value and the same gradient in each of them."""
    found = []
    for loss in (ours, theirs):
        given = [z.clone().requires_grad_() for z in inputs]
        value = loss(*given)
        found.append((value.detach(), *torch.autograd.grad(value, given)))
    for a, b in zip(*found, strict=True):
        assert torch.allclose(a, b, atol=atol), (a - b).abs().max()


def rows(n: int = 7, d: int = 5, *, seed: int = 0) -> Tensor:
    """(n, d) normal numbers in float64."""
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
