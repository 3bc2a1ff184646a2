"""What every encoder promises: an image becomes a vector, and a map where space matters."""

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn


class Encoder(nn.Module, ABC):
    """(n, c, h, w) in [0, 1] -> (n, dim). Standardising the input is the encoder's own first step.

    input_shape: (channels, height, width) of the images it was built for.
    dim: width of the representation h.
    map_shape: (channels, height, width) of ``feature_map`` for that size.
    """

    input_shape: tuple[int, int, int]
    dim: int
    map_shape: tuple[int, int, int]

    @abstractmethod
    def feature_map(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        """The last layer that still has space, for methods that need it."""

    @abstractmethod
    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """The representation h."""
