"""The training set: stored inputs and how they are prepared, dealt in batches and seen through random views."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from headstart.data.inputs import Inputs, chunks, evenly, fitted, to_tensor
from headstart.data.pixels import Pixels
from headstart.objectives.objective import Batch
from headstart.training.recipe import steps_an_epoch
from headstart.views.random import image_keys

Augmentation = Callable[[Tensor, Tensor], Tensor]
Prepare = Callable[[Any], Tensor]
SAMPLE = 100_000  # examples whose mean and deviation stand for all
_ON_DEVICE = 0.25  # of a GPU's free memory that stored inputs may fill


class Tensors:
    """Examples that are prepared already, as a tensor (n, *shape), as ``Inputs``."""

    def __init__(self, x: Tensor) -> None:
        self.x, self.shape, self.dtype = x, tuple(x.shape[1:]), np.dtype(np.float32)

    def __len__(self) -> int:
        return len(self.x)

    def read(self, rows: Any, size: tuple[int, int] | None = None) -> Any:
        """(m, *shape) of these rows."""
        return self.x[torch.as_tensor(rows).to(self.x.device) if isinstance(rows, np.ndarray) else rows]


def as_it_is(x: Tensor) -> Tensor:
    """Prepared examples need no preparation."""
    return x


@dataclass(frozen=True)
class TrainingSet:
    """What an encoder learns from.

    inputs: the examples, as they are stored. prepare: stored rows -> (m, *input_shape) floats, as the encoder takes
    them, on the device where they are. y: (n,) labels, -1 where missing, or None. index: (n,) each example's place in
    its data set, by which randomness is keyed; default 0..n-1. domain: (n,) an integer a source of the data, or None.
    views: the random views; any function of a batch and of keys, (n, …) and (n,). trunk: a frozen network through which
    views and examples pass first (layer-wise pretraining).
    """

    inputs: Inputs
    prepare: Prepare = as_it_is
    y: np.ndarray | None = None
    index: np.ndarray | None = None
    domain: np.ndarray | None = None
    views: Augmentation | None = None
    trunk: nn.Module | None = None

    @classmethod
    def of(
        cls, x: Float[Tensor, "n ..."], y: Tensor | np.ndarray | None = None, *,
        views: Augmentation | None = None, index: np.ndarray | None = None, trunk: nn.Module | None = None,
    ) -> "TrainingSet":  # fmt: skip
        """Examples that are prepared already, such as images (n, c, h, w) in [0, 1]."""
        labels = None if y is None else np.asarray(y)
        return cls(Tensors(x), y=labels, views=views, index=index, trunk=trunk)

    @classmethod
    def prepared_by(
        cls, pixels: Pixels, inputs: Inputs, y: np.ndarray | None = None, *, views: Augmentation | None = None,
        index: np.ndarray | None = None,
    ) -> "TrainingSet":  # fmt: skip
        """Stored images, of any size that has to be fitted in every epoch, or already of the size of ``pixels``."""
        return cls(_Sized(inputs, pixels.size), pixels.prepare, y=y, views=views, index=index)

    def __len__(self) -> int:
        return len(self.inputs)

    def replace(self, **changes: Any) -> "TrainingSet":
        """The same with some of it changed."""
        return replace(self, **changes)

    def rows(self, chosen: np.ndarray | slice) -> Float[Tensor, "m ..."]:
        """These examples as the encoder takes them, without views, on the CPU."""
        return self.prepare(self.inputs.read(chosen))

    def sized(self, cache: Path | None = None) -> "TrainingSet":
        """The same with pictures of other sizes fitted once, and not in every epoch (``data.inputs.fitted``)."""
        inputs = self.inputs
        return self.replace(inputs=fitted(inputs.inputs, inputs.size, cache)) if isinstance(inputs, _Sized) else self

    def on(self, device: str) -> "TrainingSet":
        """The same; where there is room, with its stored examples on the GPU."""
        if not device.startswith("cuda"):
            return self
        stored = self.inputs
        size = len(stored) * int(np.prod(stored.shape)) * stored.dtype.itemsize
        if size > _ON_DEVICE * torch.cuda.mem_get_info(device)[0]:
            return self
        parts = [to_tensor(part).to(device) for part in chunks(stored)]
        return self.replace(inputs=Tensors(torch.cat(parts)))

    def epoch_batches(self, *, seed: int, epoch: int, batch_size: int) -> list[np.ndarray]:
        """The rows of every batch of an epoch, in an order of its own."""
        order = np.random.default_rng([seed, epoch]).permutation(len(self))
        return np.array_split(order, steps_an_epoch(len(self), batch_size))

    def batch(self, rows: np.ndarray, *, n_views: int, seed: int, epoch: int, like: Tensor) -> Batch:
        """A step's inputs, ``n_views`` random views of each example among them.

        like: a tensor whose device and number type the batch gets.
        """
        index = torch.from_numpy(rows if self.index is None else self.index[rows]).to(like.device)
        x = self.prepare(to_tensor(self.inputs.read(rows)).to(like.device)).to(like.dtype)
        first, *drawn = (image_keys(index, seed=seed, epoch=epoch, stream=s) for s in range(n_views + 1))
        with torch.no_grad():
            clean = self._through(x)
            seen = (clean,) * n_views
            if self.views is not None and drawn:  # all in one call, as small batches take less time than to ask
                repeated = x.repeat(n_views, *[1] * (x.ndim - 1))
                seen = self._through(self.views(repeated, torch.cat(drawn))).chunk(n_views)
        return Batch(
            seen, clean, _numbers(self.y, rows, -1, index), _numbers(self.domain, rows, 0, index), index, first
        )

    def _through(self, x: Tensor) -> Tensor:
        if x.ndim == 4 and x.shape[2:] != (1, 1):  # a pixel has no neighbours, so that any order of memory will do
            x = x.to(memory_format=torch.channels_last)
        return x if self.trunk is None else self.trunk(x)


class _Sized:
    """Inputs that are read at one size."""

    def __init__(self, inputs: Inputs, size: tuple[int, int]) -> None:
        self.inputs, self.size, self.dtype = inputs, size, inputs.dtype
        self.shape = (*size, *inputs.shape[2:])

    def __len__(self) -> int:
        return len(self.inputs)

    def read(self, rows: np.ndarray | slice, size: tuple[int, int] | None = None) -> Any:
        """(m, *size, c)."""
        return self.inputs.read(rows, size or self.size)


def _numbers(values: np.ndarray | None, rows: np.ndarray, missing: int, like: Tensor) -> Tensor:
    if values is None:
        return torch.full_like(like, missing)
    return torch.from_numpy(np.asarray(values[rows], np.int64)).to(like.device)


def channel_statistics(data: TrainingSet) -> tuple[Float[Tensor, " c"], Float[Tensor, " c"]]:
    """Mean and standard deviation of every channel, in float64, over at most 100,000 examples, read by parts."""
    chosen = evenly(len(data), SAMPLE)
    count, total, square = 0, torch.zeros(()), torch.zeros(())
    shift = None
    for part in np.array_split(chosen, max(1, len(chosen) // 512)):
        x = data.rows(part).double().transpose(0, 1).flatten(1)
        shift = x.mean(1, keepdim=True) if shift is None else shift
        count, total, square = count + x.shape[1], total + (x - shift).sum(1), square + (x - shift).square().sum(1)
    assert shift is not None
    mean = total / count
    variance = (square - count * mean.square()) / max(1, count - 1)
    return mean + shift[:, 0], variance.clamp(min=0).sqrt()
