"""What every objective promises: a batch becomes named scalar terms, whose sum is the loss."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar, NamedTuple, TypeVar, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from headstart.encoders.encoder import Encoder

Terms = dict[str, Tensor]
MANY = 2000  # images: from there on, fewer looks by Muon are worth more than all by AdamW (benchmarks/RESULTS.md)
Loss = TypeVar("Loss", bound=Callable[..., Any])


class Schedule(NamedTuple):
    """How a method is trained by default: images to look at in all, within so many epochs; peak rate; weight decay.

    Rate and decay are AdamW's. muon_from: from so many images on it is trained by Muon (docs/protocol.md), None: never;
    with muon_samples_seen, None: as many. batches: the smallest and the largest.
    """

    samples_seen: int
    min_epochs: int
    max_epochs: int
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    muon_from: int | None = None
    muon_samples_seen: int | None = None
    batches: tuple[int, int] = (32, 64)  # more steps of the same looks are worth more than more images to contrast with


@dataclass(frozen=True)
class Batch:
    """One step's inputs, already on the device, in [0, 1].

    views: the random views, as many as the objective's ``n_views``, each (n, c, h, w).
    y: labels, -1 where missing. domain: an integer a source of the data, zero where there is one only.
    index: each image's place in its data set. keys: one random key an image for this epoch (``views.random``).
    """

    views: tuple[Float[Tensor, "n c h w"], ...]
    x: Float[Tensor, "n c h w"]
    y: Int[Tensor, " n"]
    domain: Int[Tensor, " n"]
    index: Int[Tensor, " n"]
    keys: Int[Tensor, " n"]


def full(loss: Loss) -> Loss:
    """A loss whose tensors are float32 at least: what autocast halves is too coarse to compare."""

    @wraps(loss)
    def computed(*given: Tensor, **options: Any) -> Any:
        exact = (z.float() if z.dtype in (torch.bfloat16, torch.float16) else z for z in given)
        with torch.autocast(given[0].device.type, enabled=False):
            return loss(*exact, **options)

    return cast(Loss, computed)


def _alone(z: Tensor) -> Tensor:
    return z


class Objective(nn.Module, ABC):
    """What the encoder must get right.

    n_views: how many views an image the loop draws for it. supervised: it needs labels.
    coupled: a row's loss depends on the other rows, so that a batch may not be split. penalised: so may penalties.
    default_encoder: the encoder to use when none is asked for. schedule: how to train when nothing else is asked for.
    rates: how a parameter's name begins -> factor of its learning rate; 1 for all others.
    gather: the rows of all processes from those of this one; every tensor that a loss compares or averages passes it.
    """

    n_views: ClassVar[int] = 0
    supervised: ClassVar[bool] = False
    coupled: ClassVar[bool] = False
    penalised: bool = False
    default_encoder: ClassVar[str] = "small"
    schedule: ClassVar[Schedule] = Schedule(300_000, 10, 600, muon_from=MANY, muon_samples_seen=100_000)
    rates: ClassVar[Mapping[str, float]] = {}
    encoder: Encoder
    gather: Callable[[Tensor], Tensor] = staticmethod(_alone)

    @abstractmethod
    def forward(self, batch: Batch) -> Terms:
        """Named scalar terms; the loop sums, logs and plots them."""

    def reconstruction(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"] | None:
        """What the objective makes of images, where it makes images."""
        return None

    def after_step(self, progress: float) -> None:
        """Called after every optimiser step with progress in [0, 1]: teachers and queues move here."""
