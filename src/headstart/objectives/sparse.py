"""Sparse autoencoder: an image must survive a code of which only a few units may speak at a time.

Ranzato, Poultney, Chopra, LeCun. Efficient learning of sparse representations with an energy-based model. NIPS 2006;
Goodfellow, Bengio, Courville. Deep learning. 2016 (section 14.2.1).

    h = f(x)                                  # (n, d)
    x̂ = g(h)                                  # (n, c, h, w)
    s = |h|₁ / (√d |h|₂)                      # (n,), 1/√d: one unit speaks; 1: all alike
    loss = mean (x − x̂)² + λ mean s

Differs from the papers: the L1 norm is taken as a share of the L2 norm (Hoyer, JMLR 5, 2004), since alone it is met by
small codes and large weights behind them.
"""

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from headstart.encoders.decoder import Reconstructor
from headstart.encoders.encoder import Encoder
from headstart.objectives.objective import Batch, Objective, Schedule, Terms, full
from headstart.objectives.ranges import not_negative
from headstart.objectives.reconstruction import squared_error


@full
def activity(h: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """|h|₁ / (√d |h|₂) of each image, between 1/√d for one unit that is not 0 and 1 for units of one size."""
    return h.abs().mean(1) / (h.square().mean(1) + 1e-12).sqrt()


class Sparse(Objective):
    """Reconstruct the image from few units. ``weight`` is λ, in squared units of the input."""

    default_encoder: ClassVar[str] = "autoencoder"
    schedule: ClassVar[Schedule] = Schedule(30_000, 5, 80)

    def __init__(self, encoder: Encoder, *, shape: tuple[int, int, int], weight: float = 0.02) -> None:
        super().__init__()
        not_negative(weight=weight)
        self.encoder = encoder
        self.reconstruct = Reconstructor(encoder, shape)
        self.weight = weight

    def forward(self, batch: Batch) -> Terms:
        """``reconstruction``: the mean squared error. ``activity``: λ times the mean share of the code that speaks."""
        h = self.reconstruct.code(self.encoder, batch.x)
        made = self.reconstruct.decoder(h)
        return {
            "reconstruction": squared_error(self.gather(batch.x), self.gather(made)),
            "activity": self.weight * self.gather(activity(h.flatten(1))).mean(),
        }

    def reconstruction(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """x̂ of x."""
        return self.reconstruct(self.encoder, x)
