"""SimCLR: two views of an image must find each other among the views of all other images.

Chen, Kornblith, Norouzi, Hinton. A simple framework for contrastive learning of visual representations.
ICML 2020, arXiv 2002.05709 (equation 1, algorithm 1).

    z1, z2 = g(f(v1)), g(f(v2))                       # (n, d), two views an image
    z = normalise([z1; z2])                           # (2n, d)
    s = z zᵀ / τ, without its diagonal                # (2n, 2n)
    loss = mean over the 2n rows of −log softmax(s)[row, its partner]

Differs from the paper: AdamW or Muon, not LARS; a temperature of 0.2 (benchmarks/RESULTS.md), where the paper has 0.1
on ImageNet and 0.5 on CIFAR-10; a projector of 256 and 128, not 2,048 and 128; batches of at most 64 images, not 4,096;
the recipe (docs/protocol.md) follows the data's size.
"""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from headstart.encoders.encoder import Encoder
from headstart.encoders.projector import perceptron
from headstart.objectives.objective import Batch, Objective, Terms, full
from headstart.objectives.ranges import at_least_one, positive


@full
def nt_xent(z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"], *, temperature: float) -> Float[Tensor, ""]:
    """Equation 1, averaged over 2n rows, in nats; log(2n − 1) when all similarities are equal. Normalises z."""
    n = len(z1)
    z = functional.normalize(torch.cat([z1, z2]), dim=1)
    similarity = z @ z.T / temperature
    similarity = similarity.masked_fill(torch.eye(2 * n, dtype=torch.bool, device=z.device), float("-inf"))
    partner = torch.arange(2 * n, device=z.device).roll(n)
    return functional.cross_entropy(similarity, partner)


class SimCLR(Objective):
    """Contrast two views. ``temperature`` is τ; ``hidden`` and ``width`` are the projector's layers."""

    n_views: ClassVar[int] = 2
    coupled: ClassVar[bool] = True

    def __init__(self, encoder: Encoder, *, temperature: float = 0.2, hidden: int = 256, width: int = 128) -> None:
        super().__init__()
        at_least_one(hidden=hidden, width=width)
        positive(temperature=temperature)
        self.encoder = encoder
        self.projector = perceptron(encoder.dim, hidden, width)
        self.temperature = temperature

    def forward(self, batch: Batch) -> Terms:
        """``contrast``: NT-Xent between the two views."""
        z1, z2 = map(self.gather, self.projector(self.encoder(torch.cat(batch.views))).chunk(2))
        return {"contrast": nt_xent(z1, z2, temperature=self.temperature)}
