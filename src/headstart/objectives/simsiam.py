"""SimSiam: predict the other view's projection, which is held still; neither negatives nor a teacher.

Chen, He. Exploring simple Siamese representation learning. CVPR 2021, arXiv 2011.10566 (equations 1 to 4, algorithm 1).

    z1, z2 = g(f(v1)), g(f(v2));  p1, p2 = q(z1), q(z2)      # (n, d)
    loss = −cos(p1, stop(z2)) / 2 − cos(p2, stop(z1)) / 2

Differs from the paper: AdamW with a weight decay of 0.3, or Muon, not SGD; the predictor's rate falls with the others',
where the authors keep it constant (table 1); layers of 256 and a predictor of 64, not 2,048 and 512; batches of at most
64 images, not 512; the batch statistics of both views are shared.
"""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from headstart.encoders.encoder import Encoder
from headstart.encoders.projector import perceptron
from headstart.objectives.objective import MANY, Batch, Objective, Schedule, Terms, full
from headstart.objectives.ranges import at_least_one


@full
def negative_cosine(p: Float[Tensor, "n d"], z: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """Equation 1: mean −cos(p, z), from −1 (equal) to 1. Normalises both; stopping z's gradient is the caller's."""
    return -functional.cosine_similarity(p, z, dim=1).mean()


class SimSiam(Objective):
    """Predict the other view's z. ``hidden`` and ``width``: the projector's layers; ``bottleneck``: the predictor's."""

    n_views: ClassVar[int] = 2
    schedule: ClassVar[Schedule] = Schedule(
        300_000, 10, 600, weight_decay=0.3, muon_from=MANY, muon_samples_seen=100_000
    )

    def __init__(self, encoder: Encoder, *, hidden: int = 256, width: int = 256, bottleneck: int = 64) -> None:
        super().__init__()
        at_least_one(hidden=hidden, width=width, bottleneck=bottleneck)
        self.encoder = encoder
        self.projector = perceptron(encoder.dim, hidden, hidden, width, standardised=True)
        self.predictor = perceptron(width, bottleneck, width)

    def forward(self, batch: Batch) -> Terms:
        """``similarity``: equation 4."""
        z = self.projector(self.encoder(torch.cat(batch.views)))
        (z1, z2), (p1, p2) = (map(self.gather, part.chunk(2)) for part in (z.detach(), self.predictor(z)))
        return {"similarity": (negative_cosine(p1, z2) + negative_cosine(p2, z1)) / 2}
