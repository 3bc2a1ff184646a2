"""An encoder that looks at an image through overlapping windows, each on its own, as CPC wants it."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from headstart.encoders.encoder import Encoder
from headstart.encoders.stages import Standardise

_PARTS = 3
_CHUNK = 512  # windows whose activations stay in the processor's cache


class PatchEncoder(Encoder):
    """A grid of about 7 by 7 windows that overlap by half, each seen by the same small network.

    h is, for each of 3 by 3 parts of the image, the mean of what is positive in its windows' numbers, and of what is
    negative; a mean over the whole image would forget where anything is, and one of both signs how often a number was
    large (benchmarks/RESULTS.md). Layer norm, so that no window learns of another through the batch (arXiv 1905.09272,
    section 3.1).
    """

    def __init__(self, channels: int, size: tuple[int, int], mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.input_shape = (channels, *size)
        self.step = max(1, round(min(size) / 8))
        self.side = 2 * self.step
        grid = tuple((s - self.side) // self.step + 1 for s in size)
        self.dim, self.map_shape = 2 * 128 * _PARTS**2, (128, grid[0], grid[1])
        first, second = (2 if self.side >= least else 1 for least in (8, 4))
        self.look = nn.Sequential(
            Standardise(mean, std),
            *_normed(channels, 32, first), *_normed(32, 64, second), *_normed(64, 128, 1), nn.Conv2d(128, 128, 1),
        )  # fmt: skip

    def windows(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "m c s s"]:
        """All windows of all images, an image's row by row."""
        cut = x.unfold(2, self.side, self.step).unfold(3, self.side, self.step)  # (n, c, i, j, s, s)
        return cut.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)

    def grid(self, windows: Float[Tensor, "m c s s"]) -> Float[Tensor, "n d i j"]:
        """What each window holds, in its place."""
        seen = torch.cat([self.look(part).mean((2, 3)) for part in windows.split(_CHUNK)])
        return seen.unflatten(0, (-1, *self.map_shape[1:])).permute(0, 3, 1, 2)

    def feature_map(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        """The grid of windows."""
        return self.grid(self.windows(x))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """The mean over each part of the grid, of both signs."""
        z = self.feature_map(x)
        return functional.adaptive_avg_pool2d(torch.cat([z.relu(), (-z).relu()], dim=1), _PARTS).flatten(1)


def _normed(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1), nn.GroupNorm(1, outputs), nn.ReLU(inplace=True)]
