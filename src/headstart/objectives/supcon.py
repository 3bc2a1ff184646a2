"""Supervised contrast: views of images with the same label must find each other among all others.

Khosla, Teterwak, Wang, Sarna, Tian, Isola, Maschinot, Liu, Krishnan. Supervised contrastive learning. NeurIPS 2020,
arXiv 2004.11362 (equation 2, L_out).

    z = normalise(g(f([v1; v2])))                            # (2n, d)
    s = z zᵀ / τ, without its diagonal                       # (2n, 2n)
    loss = mean over rows i of the mean over P(i) of −log softmax(s)[i, p],  P(i) = the other rows with i's label

Differs from the paper: an image without a label is a class of its own, so that without any label this is SimCLR's loss;
AdamW or Muon, not LARS; a temperature of 0.2, not 0.1; a projector of 256 and 128, not 2,048 and 128, with batch-norm;
batches of at most 64 images, not 6,144; the loop's views in place of AutoAugment.
"""

from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from headstart.encoders.encoder import Encoder
from headstart.encoders.projector import perceptron
from headstart.objectives.objective import Batch, Objective, Terms, full
from headstart.objectives.ranges import at_least_one, positive


@full
def sup_con(
    z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"], y: Int[Tensor, " n"], *, temperature: float
) -> Float[Tensor, ""]:
    """Equation 2 averaged over 2n rows, in nats. Normalises z; −1 in y is a class of its own."""
    n = len(z1)
    z = functional.normalize(torch.cat([z1, z2]), dim=1)
    itself = torch.eye(2 * n, dtype=torch.bool, device=z.device)
    log_share = (z @ z.T / temperature).masked_fill(itself, float("-inf")).log_softmax(1)
    alike = ((y[:, None] == y) & (y >= 0)) | torch.eye(n, dtype=torch.bool, device=z.device)
    partner = alike.repeat(2, 2) & ~itself
    return -(log_share.masked_fill(~partner, 0).sum(1) / partner.sum(1)).mean()


class SupCon(Objective):
    """Contrast by label. ``temperature`` is τ; ``hidden`` and ``width`` are the projector's layers."""

    n_views: ClassVar[int] = 2
    coupled: ClassVar[bool] = True
    supervised: ClassVar[bool] = True

    def __init__(self, encoder: Encoder, *, temperature: float = 0.2, hidden: int = 256, width: int = 128) -> None:
        super().__init__()
        at_least_one(hidden=hidden, width=width)
        positive(temperature=temperature)
        self.encoder = encoder
        self.projector = perceptron(encoder.dim, hidden, width)
        self.temperature = temperature

    def forward(self, batch: Batch) -> Terms:
        """``contrast``: equation 2."""
        z1, z2 = map(self.gather, self.projector(self.encoder(torch.cat(batch.views))).chunk(2))
        return {"contrast": sup_con(z1, z2, self.gather(batch.y), temperature=self.temperature)}
