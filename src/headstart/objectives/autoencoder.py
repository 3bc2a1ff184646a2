"""Autoencoder: an image must survive the way through a narrow code.

Hinton, Salakhutdinov. Reducing the dimensionality of data with neural networks. Science 313, 2006 (the idea);
the architecture is the lecture's: see ``encoders.autoencoder``.

    h = f(x)                         # (n, d), d small
    x̂ = g(h)                         # (n, c, h, w), in [0, 1]
    loss = mean (x − x̂)²             # over images, channels and pixels

Differs from the paper: convolutional and trained end to end, not stacked from RBMs.
"""

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from headstart.encoders.decoder import Reconstructor
from headstart.encoders.encoder import Encoder
from headstart.objectives.objective import Batch, Objective, Schedule, Terms


def squared_error(x: Float[Tensor, "n c h w"], reconstruction: Float[Tensor, "n c h w"]) -> Float[Tensor, ""]:
    """Mean squared error over images, channels and pixels; in squared units of the input, at least 0."""
    return (x - reconstruction).square().mean()


class Autoencoder(Objective):
    """Reconstruct the image from h. ``shape`` is the input's (channels, height, width)."""

    default_encoder: ClassVar[str] = "autoencoder"
    schedule: ClassVar[Schedule] = Schedule(30_000, 5, 80)

    def __init__(self, encoder: Encoder, *, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.encoder = encoder
        self.reconstruct = Reconstructor(encoder, shape)

    def forward(self, batch: Batch) -> Terms:
        """``reconstruction``: the mean squared error."""
        made = self.reconstruct(self.encoder, batch.x)
        return {"reconstruction": squared_error(self.gather(batch.x), self.gather(made))}

    def reconstruction(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """x̂ of x."""
        return self.reconstruct(self.encoder, x)
