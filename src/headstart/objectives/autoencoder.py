"""Autoencoder: an image must survive the way through a narrow code.

Hinton, Salakhutdinov. Reducing the dimensionality of data with neural networks. Science 313, 2006;
the default architecture is the lecture's: see ``encoders.autoencoder``.

    h = f(x)                         # (n, d), d small
    x̂ = g(h)                         # (n, c, h, w), in [0, 1]
    loss = mean (x − x̂)²             # over images, channels and pixels
      or   mean −x log x̂ − (1 − x) log(1 − x̂)

Differs from the paper: convolutional and trained end to end, with squared error. The paper's own is dense layers
pretrained as RBMs, ``training.layerwise.unroll`` as the decoder, and error="cross-entropy".
"""

from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor, nn

from headstart.encoders.decoder import Reconstructor
from headstart.encoders.encoder import Encoder
from headstart.errors import UserError
from headstart.objectives.objective import Batch, Objective, Schedule, Terms
from headstart.objectives.reconstruction import cross_entropy, squared_error


class Autoencoder(Objective):
    """Reconstruct the image from h. ``shape`` is the input's (channels, height, width).

    ``error``: what a reconstruction costs. ``decoder``: (n, d) -> (n, *shape), in [0, 1]; default: the lecture's, or
    for a single stage one layer back from its map, without bounds.
    """

    default_encoder: ClassVar[str] = "autoencoder"
    schedule: ClassVar[Schedule] = Schedule(30_000, 5, 80)

    def __init__(
        self, encoder: Encoder, *, shape: tuple[int, int, int],
        error: Literal["squared", "cross-entropy"] = "squared", decoder: nn.Module | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.encoder = encoder
        self.reconstruct = Reconstructor(encoder, shape, decoder)
        if error == "cross-entropy" and not self.reconstruct.bounded:
            raise UserError(
                "cross-entropy wants reconstructions in [0, 1], those of a single stage have no bounds: "
                "choose error=squared, or give a decoder such as Mirror"
            )
        self.error = cross_entropy if error == "cross-entropy" else squared_error

    def forward(self, batch: Batch) -> Terms:
        """``reconstruction``: the error."""
        made = self.reconstruct(self.encoder, batch.x)
        return {"reconstruction": self.error(self.gather(batch.x), self.gather(made))}

    def reconstruction(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """x̂ of x."""
        return self.reconstruct(self.encoder, x)
