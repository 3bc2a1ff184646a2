"""Denoising autoencoder: repair an image that was damaged, which copying cannot do.

Vincent, Larochelle, Lajoie, Bengio, Manzagol. Stacked denoising autoencoders. JMLR 11, 2010 (section 3, equation 6).

    x̃ ~ q(x̃ | x): each pixel zero with probability ν, then Gaussian noise of standard deviation σ
    x̂ = g(f(x̃))                      # (n, c, h, w)
    loss = mean (x − x̂)²             # against the undamaged x

Differs from the paper: convolutional and trained end to end, not dense layers one after another (greedy:denoising);
squared error behind a sigmoid, where the paper has cross-entropy; masking and Gaussian noise are applied together, with
ν and σ each; all channels of a pixel are masked together; the noise is keyed by image, so that it depends on neither
batch size nor processes.
"""

from typing import ClassVar

from jaxtyping import Float, Int
from torch import Tensor

from headstart.encoders.decoder import Reconstructor
from headstart.encoders.encoder import Encoder
from headstart.objectives.objective import Batch, Objective, Schedule, Terms
from headstart.objectives.ranges import below_one, not_negative
from headstart.objectives.reconstruction import squared_error
from headstart.views.random import normal, uniform


def corrupt(
    x: Float[Tensor, "n c h w"], keys: Int[Tensor, " n"], *, masking: float, noise: float
) -> Float[Tensor, "n c h w"]:
    """x with a share ``masking`` in [0, 1] of its pixels set to zero, and Gaussian noise of deviation ``noise``."""
    kept = uniform(keys, 1, *x.shape[2:], stream=101) >= masking
    return x * kept.to(x.dtype) + noise * normal(keys, *x.shape[1:], stream=102).to(x.dtype)


class Denoising(Objective):
    """Reconstruct the image from a damaged copy. ``masking`` is ν, ``noise`` is σ, in units of the input."""

    default_encoder: ClassVar[str] = "autoencoder"
    schedule: ClassVar[Schedule] = Schedule(30_000, 5, 80)

    def __init__(
        self, encoder: Encoder, *, shape: tuple[int, int, int], masking: float = 0.25, noise: float = 0.1
    ) -> None:
        super().__init__()
        below_one(masking=masking)
        not_negative(noise=noise)
        self.encoder = encoder
        self.reconstruct = Reconstructor(encoder, shape)
        self.masking, self.noise = masking, noise

    def forward(self, batch: Batch) -> Terms:
        """``reconstruction``: the mean squared error against the undamaged image."""
        damaged = corrupt(batch.x, batch.keys, masking=self.masking, noise=self.noise)
        made = self.reconstruct(self.encoder, damaged)
        return {"reconstruction": squared_error(self.gather(batch.x), self.gather(made))}

    def reconstruction(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """x̂ of x."""
        return self.reconstruct(self.encoder, x)
