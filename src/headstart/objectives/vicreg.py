"""VICReg: two views agree, every feature varies, and no two features vary together.

Bardes, Ponce, LeCun. VICReg: variance-invariance-covariance regularization for self-supervised learning. ICLR 2022,
arXiv 2105.04906 (equations 1 to 6).

    z1, z2 = g(f(v1)), g(f(v2))                              # (n, d)
    s = 1/n Σ |z1 − z2|²                                     # invariance
    v = v(z1) + v(z2),  v(z) = 1/d Σ_j max(0, 1 − √(Var z_j + ε))
    c = c(z1) + c(z2),  c(z) = 1/d Σ_{i≠j} Cov(z)_ij²        # both with 1/(n − 1)
    loss = λ s / d + μ v + ν c

Differs from the paper: s is divided by d where it enters the loss, as in the authors' code, which also halves v, as is
not done here; both views are drawn from one distribution, as in the paper, where the authors' code has BYOL's two;
Muon, not LARS; a projector of 256, not 8,192; batches of at most 64 images, not 2,048; the batch statistics of both
views are shared.
"""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from headstart.encoders.encoder import Encoder
from headstart.encoders.projector import perceptron
from headstart.objectives.objective import Batch, Objective, Schedule, Terms, full
from headstart.objectives.ranges import at_least_one, not_negative

Scalar = Float[Tensor, ""]
_LEAST_VARIANCE = 1e-4  # ε


@full
def terms(z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"]) -> tuple[Scalar, Scalar, Scalar]:
    """Invariance (equation 5), variance and covariance (equations 1 and 4, both views' sum). Takes z raw."""
    (v1, c1), (v2, c2) = _spread(z1), _spread(z2)
    return (z1 - z2).square().sum(1).mean(), v1 + v2, c1 + c2


def _spread(z: Float[Tensor, "n d"]) -> tuple[Scalar, Scalar]:
    covariance = z.T.cov()
    variance = covariance.diagonal()
    hinge = (1 - (variance + _LEAST_VARIANCE).sqrt()).relu().mean()
    return hinge, (covariance.square().sum() - variance.square().sum()) / z.shape[1]


class VICReg(Objective):
    """Weigh the three terms by λ, μ, ν: ``invariance``, ``variance``, ``covariance``; the rest are the projector's."""

    n_views: ClassVar[int] = 2
    coupled: ClassVar[bool] = True
    schedule: ClassVar[Schedule] = Schedule(150_000, 10, 250, muon_from=0)

    def __init__(
        self, encoder: Encoder, *, invariance: float = 25.0, variance: float = 25.0, covariance: float = 1.0,
        hidden: int = 256, width: int = 256,
    ) -> None:  # fmt: skip
        super().__init__()
        not_negative(invariance=invariance, variance=variance, covariance=covariance)
        at_least_one(hidden=hidden, width=width)
        self.encoder = encoder
        self.projector = perceptron(encoder.dim, hidden, hidden, width)
        self.weights = invariance / width, variance, covariance

    def forward(self, batch: Batch) -> Terms:
        """``invariance``, ``variance`` and ``covariance``, weighted."""
        found = terms(*map(self.gather, self.projector(self.encoder(torch.cat(batch.views))).chunk(2)))
        invariance, variance, covariance = (w * term for w, term in zip(self.weights, found, strict=True))
        return {"invariance": invariance, "variance": variance, "covariance": covariance}
