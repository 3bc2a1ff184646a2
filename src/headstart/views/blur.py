"""Gaussian blur of a batch, each image with its own sigma: a product with one matrix for rows, one for columns."""

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float
from torch import Tensor

_LEAST_SIGMA = 0.2  # in pixels: the neighbour's weight is 4e-6, a thousandth of a grey level, so no blur at all
_LEAST_WEIGHT = 1e-12  # smaller ones change no float32, but denormal numbers would slow the product threefold


def blur(x: Float[Tensor, "n c h w"], sigma: Float[Tensor, " n"]) -> Float[Tensor, "n c h w"]:
    """Blur by sigma pixels (0 changes nothing). At the border the weights that remain are normalised to one."""
    n, c, h, w = x.shape
    vertical = _matrix(h, sigma)
    horizontal = vertical if h == w else _matrix(w, sigma)
    across = torch.bmm(x.reshape(n, c * h, w), horizontal.mT).view(n, c, h, w)
    return torch.stack([torch.bmm(vertical, channel) for channel in across.unbind(1)], dim=1)


def blur_some_(x: Float[Tensor, "n c h w"], sigma: Float[Tensor, " n"]) -> Float[Tensor, "n c h w"]:
    """The same in place, and in less time where many sigmas are zero; but a GPU would wait for their number."""
    if x.is_cuda:
        return blur(x, sigma)
    chosen = (sigma > _LEAST_SIGMA).nonzero().squeeze(1)
    return x.index_copy_(0, chosen, blur(x.index_select(0, chosen), sigma[chosen]))


def _matrix(size: int, sigma: Float[Tensor, " n"]) -> Float[Tensor, "n size size"]:
    place = torch.arange(size, device=sigma.device)
    weight = torch.exp(place**2 * (-0.5 / sigma.clamp(min=0.05) ** 2)[:, None])  # (n, size), by distance
    weight = F.threshold(weight, _LEAST_WEIGHT, 0.0)
    distance = (place[:, None] - place).abs().flatten()
    matrix = weight.index_select(1, distance).view(-1, size, size)
    return matrix.div_(matrix.sum(2, keepdim=True))
