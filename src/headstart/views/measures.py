"""Numbers that describe images in one word each: how bright, coloured, large, detailed, and what gives them away."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from headstart.views.colour import YIQ

Images = Float[Tensor, "n c h w"]
_LEAST = 1e-6  # keeps empty images from dividing by zero


def brightness(x: Images) -> Float[Tensor, "n 1"]:
    """Mean over pixels and channels."""
    return x.mean((1, 2, 3))[:, None]


def contrast(x: Images) -> Float[Tensor, "n 1"]:
    """Standard deviation over mean of the grey image, so that a factor of brightness does not change it."""
    grey = x.mean(1)
    return (grey.std((1, 2)) / grey.mean((1, 2)).clamp(min=_LEAST))[:, None]


def colour(x: Images) -> Float[Tensor, "n 2"]:
    """Mean I and Q of YIQ, which are 0 for grey; always 0 for images that do not have three channels."""
    if x.shape[1] != 3:
        return x.new_zeros(len(x), 2)
    return x.mean((2, 3)) @ x.new_tensor(YIQ[1:]).T


def place(x: Images) -> Float[Tensor, "n 2"]:
    """Centre of mass of what differs from the border, (x, y) in pixels."""
    weight, rows, columns = _weight(x), torch.arange(x.shape[2]).to(x), torch.arange(x.shape[3]).to(x)
    return torch.stack(((weight * columns).sum((1, 2)), (weight * rows[:, None]).sum((1, 2))), dim=1)


def size(x: Images) -> Float[Tensor, "n 1"]:
    """Radius of gyration of what differs from the border, in pixels."""
    weight, centre = _weight(x), place(x)
    rows, columns = torch.arange(x.shape[2]).to(x)[:, None], torch.arange(x.shape[3]).to(x)
    squared = (columns - centre[:, :1, None]) ** 2 + (rows - centre[:, 1:, None]) ** 2
    return (weight * squared).sum((1, 2)).sqrt()[:, None]


def detail(x: Images) -> Float[Tensor, "n 1"]:
    """Mean squared difference of neighbours over the variance of the grey image: 4 for noise, near 0 if smooth."""
    grey = x.mean(1)
    steps = grey.diff(dim=1).square().mean((1, 2)) + grey.diff(dim=2).square().mean((1, 2))
    return (steps / grey.var((1, 2)).clamp(min=_LEAST))[:, None]


def top1(z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"]) -> float:
    """Share of the images whose other view is the nearest, by cosine, of all images' other views; chance is 1/n."""
    similarity = functional.normalize(z1, dim=1) @ functional.normalize(z2, dim=1).T
    own = similarity.diagonal()
    rivals = (similarity >= own[:, None]).sum(1)  # itself, and what is nearer or as near
    return float((rivals == 1).float().mean())


def light(v1: Images, v2: Images) -> float:
    """Share of the images whose other view is found by tones alone, with all left out that has a place in the image.

    Mean, deviation and a histogram of each channel, each number standardised.
    """
    both = torch.cat([v1, v2])
    edges = torch.linspace(0, 1, 9)[1:-1].tolist()
    shares = [((both >= a) & (both < b)).float().mean((2, 3)) for a, b in pairwise(edges)]
    numbers = torch.cat([both.mean((2, 3)), both.std((2, 3)), *shares], dim=1)
    first, second = ((numbers - numbers.mean(0)) / numbers.std(0).clamp(min=_LEAST)).chunk(2)
    return top1(first, second)


def _weight(x: Images) -> Float[Tensor, "n h w"]:
    grey = x.mean(1)
    border = torch.cat((grey[:, 0], grey[:, -1], grey[:, :, 0], grey[:, :, -1]), dim=1).median(1).values
    weight = (grey - border[:, None, None]).abs() + _LEAST
    return weight / weight.sum((1, 2), keepdim=True)
