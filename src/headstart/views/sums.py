"""Weighted sums of an image's columns and rows: whatever crops, flips, scales, shifts or blurs, and never turns.

    v = R x C'        # an own R (h, h) and C (w, w) an image, with few numbers a row that are not zero

Only those are kept and their rows looked up, which takes less than half the time of two dense products.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float, Int32, UInt8
from torch import Tensor

_LEAST_SIGMA = 0.05  # of a pixel; a sum with less is exactly the row itself


class Sums(NamedTuple):
    """The rows that each new row is made of, and their weights."""

    lines: Int32[Tensor, "n size k"]
    weight: Float[Tensor, "n size k"]

    def of(self, images: slice) -> "Sums":
        """Those of some images."""
        return Sums(self.lines[images], self.weight[images])


def sample(side: Float[Tensor, " n"], centre: Float[Tensor, " n"], size: int) -> Sums:
    """Bilinear sampling of a window, as ``affine.move`` without a turn; beyond the image its border goes on.

    side: the window's share of the image's side, negative for a flip. centre: its middle, from -1 to 1.
    """
    across = torch.linspace(1 - size, size - 1, size, dtype=side.dtype, device=side.device) / 2
    place = torch.addcmul((centre[:, None] + 1) * (size / 2) - 0.5, side[:, None], across).clamp_(0, size - 1)
    before = place.to(torch.int32).clamp_(max=max(0, size - 2))
    beyond = place - before
    after = (before + 1).clamp_(max=size - 1)
    return Sums(torch.stack((before, after), dim=2), torch.stack((1 - beyond, beyond), dim=2))


def gaussian(sigma: Float[Tensor, " n"], radius: int) -> Float[Tensor, "n k"]:
    """Weights at -radius to radius pixels, which sum to 1; without a sigma all of it lies in the middle."""
    distance = torch.arange(-radius, radius + 1, dtype=sigma.dtype, device=sigma.device)
    weight = torch.exp(distance.square() * (-0.5 / sigma.clamp(min=_LEAST_SIGMA).square())[:, None])
    return weight / weight.sum(1, keepdim=True)


def around(weight: Float[Tensor, "n k"], size: int) -> Sums:
    """Each row and its neighbours by an image's own weights, of odd number; beyond the image its border goes on."""
    n, k = weight.shape
    row = torch.arange(size, dtype=torch.int32, device=weight.device)
    offset = torch.arange(k, dtype=torch.int32, device=weight.device) - k // 2
    index = (row[:, None] + offset).clamp_(0, size - 1)
    return Sums(index.expand(n, -1, -1), weight[:, None].expand(-1, size, -1))


def add_up(
    x: Float[Tensor, "n c h w"] | UInt8[Tensor, "n c h w"], columns: Sequence[Sums], rows: Sequence[Sums]
) -> Float[Tensor, "n c h w"]:
    """Replace the columns, one kind of sum after another, then the rows; the result is contiguous."""
    n, c, h, w = x.shape
    x = rows[0].weight.new_empty(n, w, c, h).copy_(x.permute(0, 3, 1, 2)).view(n, w, c * h)
    for sums in columns:
        x = _add_up(x, sums)
    x = x.view(n, w, c, h).permute(0, 3, 2, 1).contiguous().view(n, h, c * w)
    for sums in rows:
        x = _add_up(x, sums)
    return x.view(n, h, c, w).transpose(1, 2).contiguous()


def _add_up(x: Float[Tensor, "n size m"], sums: Sums) -> Float[Tensor, "n size m"]:
    n, size, m = x.shape
    start = torch.arange(0, n * size, size, dtype=torch.int32, device=x.device)
    index, weight = (sums.lines + start[:, None, None]).flatten(0, 1), sums.weight.flatten(0, 1)
    return F.embedding_bag(index, x.flatten(0, 1), per_sample_weights=weight, mode="sum").view(n, size, m)
