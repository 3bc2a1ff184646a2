"""BYOL: predict what a slowly moving teacher makes of the other view; nothing is pushed apart.

Grill, Strub, Altché, Tallec, Richemond, Buchatskaya, Doersch, Ávila Pires, Guo, Gheshlaghi Azar, Piot, Kavukcuoglu,
Munos, Valko. Bootstrap your own latent. NeurIPS 2020, arXiv 2006.07733 (equations 1 and 2, algorithm 1).

    z1, z2 = g(f(v1)), g(f(v2));  p1, p2 = q(z1), q(z2)      # (n, d)
    t1, t2 = g'(f'(v1)), g'(f'(v2))                          # the teacher's, no gradient
    loss = (2 − 2 cos(p1, t2)) + (2 − 2 cos(p2, t1))
    f', g' ← m (f', g') + (1 − m) (f, g)                     # m rises to 1 by half a cosine

Differs from the paper: AdamW with a weight decay of 0.3, or Muon, not LARS; a starting momentum of 0.97, not 0.996, as
a run on a small set has thousands of steps and not hundreds of thousands; the predictor learns at ten times the rate,
as it has to stay nearly the best one for what it is given (why: Tian, Chen, Ganguli, ICML 2021, arXiv 2102.06810);
layers of 256 and 128, not 4,096 and 256; batches of at most 64 images, not 4,096; both views are drawn from one
distribution, not from two (table 6: blur and solarisation differ); the batch statistics of both views are shared.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from headstart.encoders.encoder import Encoder
from headstart.encoders.projector import perceptron
from headstart.encoders.teacher import Teacher, rising
from headstart.objectives.objective import MANY, Batch, Objective, Schedule, Terms, full
from headstart.objectives.ranges import at_least_one, below_one


@full
def regression_loss(p: Float[Tensor, "n d"], z: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """Equation 2 for one direction: mean 2 − 2 cos(p, z), from 0 (equal) to 4 (opposite). Normalises both."""
    return 2 - 2 * functional.cosine_similarity(p, z, dim=1).mean()


class BYOL(Objective):
    """Predict the teacher. ``momentum`` is m at the start; ``hidden`` and ``width`` are the layers behind h."""

    n_views: ClassVar[int] = 2
    schedule: ClassVar[Schedule] = Schedule(
        300_000, 10, 450, weight_decay=0.3, muon_from=MANY, muon_samples_seen=100_000
    )
    rates: ClassVar[Mapping[str, float]] = {"predictor": 10.0}

    def __init__(self, encoder: Encoder, *, momentum: float = 0.97, hidden: int = 256, width: int = 128) -> None:
        super().__init__()
        at_least_one(hidden=hidden, width=width)
        below_one(momentum=momentum)
        self.encoder = encoder
        self.projector = perceptron(encoder.dim, hidden, width)
        self.predictor = perceptron(width, hidden, width)
        self.teacher = Teacher(encoder, self.projector)
        self.momentum = momentum

    def forward(self, batch: Batch) -> Terms:
        """``regression``: equation 2 in both directions."""
        x = torch.cat(batch.views)
        p1, p2 = map(self.gather, self.predictor(self.projector(self.encoder(x))).chunk(2))
        t1, t2 = map(self.gather, self.teacher(x).chunk(2))
        return {"regression": regression_loss(p1, t2) + regression_loss(p2, t1)}

    def after_step(self, progress: float) -> None:
        """The teacher follows."""
        self.teacher.follow(self.encoder, self.projector, momentum=rising(self.momentum, progress))
