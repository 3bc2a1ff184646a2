"""The lecture's convolutional autoencoder: its encoder to a dense bottleneck, and the decoder back."""

import math

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from headstart.encoders.encoder import Encoder
from headstart.encoders.stages import convolution


def _quarter(size: tuple[int, int]) -> tuple[int, int]:
    return math.ceil(size[0] / 4), math.ceil(size[1] / 4)


class BottleneckEncoder(Encoder):
    """32 filters, pool, 32 and 16, pool, 16 and 8, then a dense bottleneck with linear output.

    Sizes that four does not divide are padded with their border. On 28×28 with a bottleneck of 2 it has
    18,874 parameters, running statistics included.
    """

    def __init__(self, channels: int, size: tuple[int, int], *, bottleneck: int = 32) -> None:
        super().__init__()
        height, width = _quarter(size)
        self.input_shape = (channels, *size)
        self.dim = bottleneck
        self.map_shape = (8, height, width)
        self.margin = (0, 4 * width - size[1], 0, 4 * height - size[0])
        self.body = nn.Sequential(
            convolution(channels, 32, pool=True),
            convolution(32, 32),
            convolution(32, 16, pool=True),
            convolution(16, 16),
            convolution(16, 8),
        )
        self.bottleneck = nn.Linear(8 * height * width, bottleneck)

    def feature_map(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        """Eight maps, a quarter of the image's side."""
        return self.body(functional.pad(x, self.margin, mode="replicate"))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """The code."""
        return self.bottleneck(self.feature_map(x).flatten(1))


class BottleneckDecoder(nn.Module):
    """Dense and reshape, 8, 16, up, 16, 32, up, 32, and one sigmoid filter a channel; cropped to the image's size."""

    def __init__(self, dim: int, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size
        self.quarter = _quarter(size)
        self.dense = nn.Linear(dim, 8 * self.quarter[0] * self.quarter[1])
        self.body = nn.Sequential(
            convolution(8, 8),
            convolution(8, 16),
            nn.Upsample(scale_factor=2),
            convolution(16, 16),
            convolution(16, 32),
            nn.Upsample(scale_factor=2),
            convolution(32, 32),
            nn.Conv2d(32, channels, 3, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, h: Float[Tensor, "n d"]) -> Float[Tensor, "n c h w"]:
        """An image in [0, 1] from a code."""
        z = functional.relu(self.dense(h)).unflatten(1, (8, *self.quarter))
        return self.body(z)[:, :, : self.size[0], : self.size[1]]
