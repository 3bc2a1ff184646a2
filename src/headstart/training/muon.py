"""Muon: a step equally long in every direction of a weight matrix, also in those that its gradient hardly shows.

Jordan, Jin, Boza, You, Cesista, Newhouse, Bernstein. Muon: an optimizer for hidden layers in neural networks. 2024.
Liu et al. Muon is scalable for LLM training. arXiv 2502.16982 (equations 1 to 3).

    M ← μ M + (1 − μ) G                           # (m, n), a layer's outputs and inputs; a filter's place is an input
    O = U Vᵀ, where μ M + (1 − μ) G = U S Vᵀ      # five Newton-Schulz steps, S becomes 0.7 to 1.2
    W ← (1 − η λ) W − η √max(1, m / n) O

Differs from the paper: what is no matrix (biases, the scales of norms) takes Muon's step, too, not AdamW's. A vector of
m numbers is a matrix of one column, whose step has the root mean square η; such numbers take a tenth of it. A momentum
of 0.9, not 0.95 (benchmarks/RESULTS.md).
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

_STEPS, _COEFFICIENTS = 5, (3.4445, -4.7750, 2.0315)
_VECTORS = 0.1


def orthogonalised(u: Float[Tensor, "m n"]) -> Float[Tensor, "m n"]:
    """About the nearest matrix whose singular values are all 1: those of the result are 0.7 to 1.2.

    Newton-Schulz steps X ← P X with P = a I + b X Xᵀ + c (X Xᵀ)². All of them are taken in the smaller square: with
    S = X Xᵀ, each makes S into P S P, and X meets the product of all P once, at the end, which takes half the time.
    Singular values below a thousandth of u's norm stay small.
    """
    x = u if u.shape[0] <= u.shape[1] else u.T
    x = x / (x.norm() + torch.finfo(x.dtype).tiny)
    square = x @ x.T
    p = product = _polynomial(square)
    for _ in range(_STEPS - 1):
        square = p @ square @ p
        p = _polynomial(square)
        product = p @ product
    return product @ x if u.shape[0] <= u.shape[1] else (product @ x).T


def _polynomial(square: Float[Tensor, "k k"]) -> Float[Tensor, "k k"]:
    a, b, c = _COEFFICIENTS
    p = torch.addmm(square, square, square, beta=b, alpha=c)
    p.diagonal().add_(a)
    return p


class Muon(torch.optim.Optimizer):
    """Muon for every parameter. lr: η. momentum: μ. weight_decay: λ. Groups may set lr and weight_decay."""

    def __init__(
        self, params: Iterable[dict[str, Any]], *, lr: float, momentum: float = 0.9, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step by the gradients that the parameters have."""
        assert closure is None, "gradients are computed before"
        for group in self.param_groups:
            rate, kept = group["lr"], group["momentum"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                mean = self.state[p].setdefault("momentum", torch.zeros_like(p))
                mean.lerp_(p.grad, 1 - kept)
                u = p.grad.lerp(mean, kept)
                if group["weight_decay"]:
                    p.mul_(1 - rate * group["weight_decay"])
                if p.ndim > 1:
                    laid = u.movedim(1, -1)  # an image network's filters lie in this order, and that of columns is free
                    matrix = orthogonalised(laid.flatten(1))
                    length = rate * max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
                    p.sub_(matrix.view(laid.shape).movedim(-1, 1), alpha=length)
                else:
                    p.sub_(u * (_VECTORS * rate * u.numel() ** 0.5 / (u.norm() + torch.finfo(u.dtype).tiny)))
