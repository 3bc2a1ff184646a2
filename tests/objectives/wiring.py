"""Batches made by hand, and what a whole method computes, held against its equations written out of its own parts."""

from collections.abc import Callable

import torch
from torch import Tensor

from headstart.encoders.networks import PixelVector, dense
from headstart.encoders.stages import Staged
from headstart.objectives.objective import Batch, Objective

SIZE = (2, 3)


def images(n: int = 6, *, seed: int) -> Tensor:
    """(n, 1, 2, 3) normal numbers in float64."""
    return torch.randn(n, 1, *SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def batch(*views: Tensor, x: Tensor | None = None, y: Tensor | None = None) -> Batch:
    """These views, or these images, of number 100, 101, …, with keys in another order; x is unlike its views."""
    x = views[0].detach().flip(0) ** 2 if x is None else x
    index = torch.arange(100, 100 + len(x))
    y = torch.full_like(index, -1) if y is None else y
    return Batch(views, x, y, torch.zeros_like(index), index, (torch.arange(len(x)) + 1) * 7919 % 101)


def linear_encoder(width: int = 5) -> Staged:
    """h = W x + b of (n, 1, 2, 3), in float64."""
    return dense(1, SIZE, widths=(width,), activation="linear").double()


def pixels(n: int) -> PixelVector:
    """h is the image, of n pixels in a row: a test that hands over views hands over h."""
    return PixelVector(1, (1, n))


def as_images(h: Tensor) -> Tensor:
    """The images of which ``pixels`` makes h."""
    return h[:, None, None]


def step_away(made: Objective) -> None:
    """Move what learns, so that a teacher is no longer what it follows."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for p in made.parameters():
            if p.requires_grad:
                p.add_(0.3 * torch.randn(p.shape, dtype=p.dtype, generator=generator))


def assert_computes(made: Objective, given: Batch, written_out: Callable[[], Tensor]) -> None:
    """The sum of a method's terms, and its gradient in every weight that learns, are those of what is written out."""
    learning = {name: p for name, p in made.named_parameters() if p.requires_grad}
    found = []
    for loss in (torch.stack(list(made(given).values())).sum(), written_out()):
        gradients = torch.autograd.grad(loss, list(learning.values()), materialize_grads=True)
        found.append({"the value": loss.detach(), **dict(zip(learning, gradients, strict=True))})
    for name, value in found[0].items():
        assert torch.allclose(value, found[1][name], rtol=1e-7, atol=1e-9), name


def share_of_the_way(made: Objective, progress: float) -> float:
    """How far all weights of the teacher come towards a student that learned, in one step at ``progress``."""
    step_away(made)
    student = [p for part in (made.encoder, made.projector) for p in part.parameters()]
    teacher = list(made.teacher.network.parameters())
    before = [p.clone() for p in teacher]
    made.after_step(progress)
    steps = zip(teacher, before, student, strict=True)
    shares = torch.cat([((now - then) / (goal - then)).flatten() for now, then, goal in steps])
    assert torch.allclose(shares, shares[0].expand_as(shares), atol=1e-6)
    return shares[0].item()
