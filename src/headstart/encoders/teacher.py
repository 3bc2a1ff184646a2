"""The teacher: a copy of a network that is never trained, but follows the one that is."""

import copy
import math

import torch
from torch import Tensor, nn


class Teacher(nn.Module):
    """A moving average of the weights of a student, given as parts that follow one another.

    Tarvainen, Valpola. Mean teachers are better role models. NeurIPS 2017, arXiv 1703.01780.

    It normalises by the batch it is given, as the student does while it learns, and no gradient passes.
    """

    def __init__(self, *student: nn.Module) -> None:
        super().__init__()
        self.network = nn.Sequential(*map(copy.deepcopy, student)).requires_grad_(False)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """What the teacher makes of x."""
        return self.network(x)

    @torch.no_grad()
    def follow(self, *student: nn.Module, momentum: float) -> None:
        """weights = momentum · weights + (1 − momentum) · the student's."""
        followed_ones = (p for part in student for p in part.parameters())
        for own, followed in zip(self.network.parameters(), followed_ones, strict=True):
            own.lerp_(followed, 1 - momentum)


def rising(start: float, progress: float) -> float:
    """A momentum from ``start`` to 1 by half a cosine, progress in [0, 1] (Grill et al. 2020, section 3.3)."""
    return 1 - (1 - start) * (1 + math.cos(math.pi * progress)) / 2
