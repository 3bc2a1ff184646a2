"""Barlow Twins: two views agree in every feature, and no feature repeats another.

Zbontar, Jing, Misra, LeCun, Deny. Barlow Twins: self-supervised learning via redundancy reduction. ICML 2021,
arXiv 2103.03230 (equations 1 and 2, algorithm 1).

    z1, z2 = g(f(v1)), g(f(v2))                              # (n, d), each column standardised over the batch
    C = z1ᵀ z2 / n                                           # (d, d)
    loss = Σ_i (1 − C_ii)² + λ Σ_{i≠j} C_ij²

Differs from the paper: AdamW or Muon, not LARS; λ = 0.02, not 0.005 (benchmarks/RESULTS.md); both terms are divided by
d, so that the rate does not depend on it; a projector of 256, not 8,192; batches of at most 64 images, not 2,048; both
views are drawn from one distribution, not from BYOL's two; the batch statistics of both views are shared.
"""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from headstart.encoders.encoder import Encoder
from headstart.encoders.projector import perceptron
from headstart.objectives.objective import Batch, Objective, Schedule, Terms, full
from headstart.objectives.ranges import at_least_one, not_negative


@full
def cross_correlation(z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"]) -> Float[Tensor, "d d"]:
    """Equation 2, from −1 to 1. Standardises columns by mean and biased deviation, 1e-5 being added to the variance."""
    a, b = ((z - z.mean(0)) * (z.var(0, correction=0) + 1e-5).rsqrt() for z in (z1, z2))
    return a.T @ b / len(z1)


class BarlowTwins(Objective):
    """Make C the identity. ``redundancy`` is λ; ``hidden`` and ``width`` are the projector's layers."""

    n_views: ClassVar[int] = 2
    coupled: ClassVar[bool] = True
    schedule: ClassVar[Schedule] = Schedule(100_000, 10, 250, muon_from=0)

    def __init__(self, encoder: Encoder, *, redundancy: float = 0.02, hidden: int = 256, width: int = 256) -> None:
        super().__init__()
        at_least_one(hidden=hidden, width=width)
        not_negative(redundancy=redundancy)
        self.encoder = encoder
        self.projector = perceptron(encoder.dim, hidden, hidden, width)
        self.redundancy = redundancy

    def forward(self, batch: Batch) -> Terms:
        """``invariance`` and ``redundancy``: the two sums of equation 1 over d, the second weighted."""
        z1, z2 = map(self.gather, self.projector(self.encoder(torch.cat(batch.views))).chunk(2))
        c = cross_correlation(z1, z2)
        agreement, width = c.diagonal(), len(c)
        repeated = c.square().sum() - agreement.square().sum()
        return {
            "invariance": (1 - agreement).square().sum() / width,
            "redundancy": self.redundancy * repeated / width,
        }
