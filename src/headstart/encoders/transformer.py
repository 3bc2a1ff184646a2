"""A small vision transformer: patches become tokens, tokens look at each other, h is their mean."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from headstart.encoders.encoder import Encoder
from headstart.encoders.stages import Standardise

Tokens = Float[Tensor, "n _ d"]


def blocks(width: int, depth: int) -> nn.Module:
    """``depth`` layers of attention, normalised before each part; a head for every 32 numbers, if that divides them."""
    layers = (
        nn.TransformerEncoderLayer(
            width,
            math.gcd(width, max(1, width // 32)),
            4 * width,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        for _ in range(depth)
    )
    return nn.Sequential(*layers, nn.LayerNorm(width))


class VisionTransformer(Encoder):
    """About 8 by 8 patches, four layers of 128 (Dosovitskiy et al. ICLR 2021, arXiv 2010.11929, section 3.1).

    Differs from the paper: no class token, h is the mean token. An image whose side is no multiple of the patch's is
    enlarged by its border.
    """

    def __init__(
        self, channels: int, size: tuple[int, int], mean: Sequence[float], std: Sequence[float], *,
        width: int = 128, depth: int = 4,
    ) -> None:  # fmt: skip
        super().__init__()
        self.input_shape = (channels, *size)
        self.patch = max(2, -(-min(size) // 8))
        self.grid = (-(-size[0] // self.patch), -(-size[1] // self.patch))
        self.missing = (self.grid[1] * self.patch - size[1], self.grid[0] * self.patch - size[0])
        self.dim, self.map_shape = width, (width, *self.grid)
        self.standardise = Standardise(mean, std)
        self.look = nn.Linear(channels * self.patch**2, width)
        self.place = nn.Parameter(0.02 * torch.randn(self.grid[0] * self.grid[1], width))
        self.body = blocks(width, depth)

    def patches(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n t p"]:
        """The standardised pixels of each patch, row by row."""
        x = functional.pad(self.standardise(x), (0, self.missing[0], 0, self.missing[1]), mode="replicate")
        return functional.unfold(x, self.patch, stride=self.patch).mT

    def tokens(self, patches: Float[Tensor, "n t p"], kept: Int[Tensor, "n s"] | None = None) -> Tokens:
        """What becomes of the patches, or of those that are kept; the others are not looked at."""
        seen = self.look(patches) + self.place
        if kept is not None:
            seen = seen.gather(1, kept[:, :, None].expand(-1, -1, self.dim))
        return self.body(seen)

    def feature_map(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        """The tokens in their places."""
        return self.tokens(self.patches(x)).mT.unflatten(2, self.grid)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """The mean token."""
        return self.tokens(self.patches(x)).mean(1)
