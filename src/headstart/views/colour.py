"""One colour matrix an image: brightness, contrast, saturation, hue and grey at once.

In YIQ, saturation scales the plane of I and Q and hue turns it, so with T the matrix from RGB to YIQ,

    M = T^-1 diag(1, s R(2 pi hue)) T = L + s cos(2 pi hue) C + s sin(2 pi hue) D,

    L = 1 luma',   C = I - L,   D = T^-1 J T,   J the quarter turn of the plane of I and Q,

and a view is  b c M x + b (1 - c) mean(luma' x): brightness b, then contrast c about the mean of what is seen.
"""

from math import tau

import torch
from jaxtyping import Float
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in PIL and torchvision
YIQ = (LUMA, (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))
_TO_YIQ = torch.tensor(YIQ, dtype=torch.float64)
_QUARTER_TURN = torch.tensor([(0.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0)], dtype=torch.float64)
_LIGHT = torch.tensor([LUMA] * 3, dtype=torch.float64)
_BASIS = torch.stack((_LIGHT, torch.eye(3, dtype=torch.float64) - _LIGHT, _TO_YIQ.inverse() @ _QUARTER_TURN @ _TO_YIQ))


def chroma(saturation: Float[Tensor, " n"], hue: Float[Tensor, " n"]) -> Float[Tensor, "n 3 3"]:
    """The matrix M of a saturation (0 is grey, 1 changes nothing) and a hue (in turns). It keeps the luma."""
    weights = torch.stack((torch.ones_like(hue), saturation * (tau * hue).cos(), saturation * (tau * hue).sin()), dim=1)
    return (weights[:, :, None, None] * _BASIS.to(hue)).sum(1)


def recolour(
    x: Float[Tensor, "n c h w"],
    brightness: Float[Tensor, " n"],
    contrast: Float[Tensor, " n"],
    matrix: Float[Tensor, "n 3 3"],
    *,
    out: Float[Tensor, "n c h w"] | None = None,
) -> Float[Tensor, "n c h w"]:
    """b c M x + b (1 - c) mean for three channels; for any other number M does not apply, and the mean is over all.

    out: where to write it, contiguous and not x itself.
    """
    out = torch.empty_like(x) if out is None else out
    gain, means = brightness * contrast, x.mean((2, 3))
    if x.shape[1] != 3:
        lift = (brightness - gain) * means.mean(1)
        return torch.addcmul(lift[:, None, None, None], x, gain[:, None, None, None], out=out)
    lift = (brightness - gain) * (means * x.new_tensor(LUMA)).sum(1)
    torch.baddbmm(lift[:, None, None], matrix * gain[:, None, None], x.flatten(2), out=out.flatten(2))
    return out
