"""Gaussian blur of a batch, each image with its own sigma: a product with one matrix for rows, one for columns."""

from functools import lru_cache

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float, Int64
from torch import Tensor

LEVELS = 64  # different sigmas in a range: 1/32 of a pixel apart where it spans two
_LEAST_WEIGHT = 1e-12  # smaller ones change no float32, but denormal numbers would slow the product threefold


def blur(
    x: Float[Tensor, "n c h w"], vertical: Float[Tensor, "n h h"], horizontal: Float[Tensor, "n w w"]
) -> Float[Tensor, "n c h w"]:
    """Each channel as vertical @ channel @ horizontal', with matrices that ``matrices`` made."""
    n, c, h, w = x.shape
    across = torch.bmm(x.reshape(n, c * h, w), horizontal.mT).view(n, c, h, w)
    return torch.stack([torch.bmm(vertical, channel) for channel in across.unbind(1)], dim=1)


def blur_some_(
    x: Float[Tensor, "n c h w"], level: Int64[Tensor, " n"], *, low: float, high: float
) -> Float[Tensor, "n c h w"]:
    """Blur in place by sigma ``low`` (level 1) to ``high`` (level 64) in pixels; level 0 is no blur.

    Images of level 0 are left out, but not on a GPU, which would have to wait for their number.
    """
    vertical, horizontal = (_table(size, low, high, x.dtype, x.device) for size in x.shape[2:])
    if x.is_cuda:
        return blur(x, vertical[level], horizontal[level])
    chosen = level.nonzero().squeeze(1)
    level = level[chosen]
    pair = vertical.index_select(0, level), horizontal.index_select(0, level)
    return x.index_copy_(0, chosen, blur(x.index_select(0, chosen), *pair))


@lru_cache(maxsize=32)
def _table(size: int, low: float, high: float, dtype: torch.dtype, device: torch.device) -> Float[Tensor, "k s s"]:
    middle = (torch.arange(LEVELS, dtype=torch.float64) + 0.5) / LEVELS
    return matrices(size, torch.cat((torch.zeros(1), low + (high - low) * middle))).to(device, dtype)


def matrices(size: int, sigma: Float[Tensor, " n"]) -> Float[Tensor, "n {size} {size}"]:
    """Row i weighs the pixels by exp(-distance²/2 sigma²) from i; its weights sum to 1, also at the border."""
    place = torch.arange(size)
    weight = torch.exp(place**2 * (-0.5 / sigma.clamp(min=0.05) ** 2)[:, None])  # (n, size), by distance
    weight = F.threshold(weight, _LEAST_WEIGHT, 0.0)
    matrix = weight[:, (place[:, None] - place).abs()]
    return matrix / matrix.sum(2, keepdim=True)
