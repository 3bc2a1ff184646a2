"""More than one process: rows are shared out, losses see all of them, and two processes compute what one would.

Every process steps over its rows of the same global batch. What an objective's loss compares is gathered in the
batch's order, so that each process has the whole loss; the gradient that reaches its rows is then theirs in full, and
the sum of the processes' gradients is a single process's. Batch-norm takes its statistics over all rows likewise.
"""

import os
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from headstart.errors import UserError
from headstart.objectives.objective import Objective
from headstart.training.freezing import Freezing

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class Processes:
    """The processes that train together: their number and which one this is; one, the first, without a launcher."""

    def __init__(self) -> None:
        self.world = dist.get_world_size() if dist.is_initialized() else 1
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        self.shared_out: tuple[int, int, int] = (0, 0, 0)

    @property
    def first(self) -> bool:
        """Whether this one writes files and shows progress."""
        return self.rank == 0

    def share(self, rows: np.ndarray) -> np.ndarray:
        """This process's part of a batch's rows."""
        parts = np.array_split(rows, self.world)
        self.shared_out = len(rows), sum(map(len, parts[: self.rank])), len(parts[self.rank])
        return parts[self.rank]

    def connect(self, objective: Objective, freezing: Freezing) -> None:
        """Make the objective's losses and batch-norms see the rows of all processes, where they are not frozen.

        Dropout then draws what one process would for the whole batch, and each process takes its rows of it.

        Raises:
            UserError: a layer in which several processes would not equal one.
        """
        if self.world == 1:
            return
        objective.gather = gather
        for name, module in freezing.free_modules():
            if type(module) is nn.Dropout:
                module.forward = partial(self._drop, module)  # pyright: ignore[reportAttributeAccessIssue]
            elif isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0:
                raise UserError(f"{name}, a {type(module).__name__}, cannot be shared: train with one process")
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                if type(module) not in _NORMS:
                    raise UserError(f"{name}, a {type(module).__name__}, cannot be shared: train with one process")
                module.forward = partial(_normalise, module)  # pyright: ignore[reportAttributeAccessIssue]

    def _drop(self, layer: nn.Dropout, x: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        """This process's rows of the dropout that one process would do to the whole batch, view after view."""
        if not layer.training or layer.p == 0:
            return x
        whole, start, own = self.shared_out
        if not own or len(x) % own:
            raise UserError(f"a batch of {whole} images is too small for dropout in {self.world} processes")
        views = len(x) // own
        like = x.new_empty(views * whole, *x.shape[1:])
        if x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last):  # numbers are drawn in memory's order
            like = like.to(memory_format=torch.channels_last)
        kept = functional.dropout(torch.ones_like(like), layer.p)
        return x * kept.unflatten(0, (views, whole))[:, start : start + own].flatten(0, 1)

    def add_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Sum each parameter's gradient over the processes."""
        if self.world == 1:
            return
        for p in parameters:
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        flat = torch.cat([p.grad.reshape(-1) for p in parameters if p.grad is not None])
        dist.all_reduce(flat)
        for p, part in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
            assert p.grad is not None
            p.grad.copy_(part.view_as(p))  # in its own memory format, which the fused optimiser counts on

    def agreed(self, number: float) -> float:
        """The first process's number, for decisions that depend on the clock."""
        if self.world == 1:
            return number
        told = torch.tensor(number, dtype=torch.float64, device="cuda" if dist.get_backend() == "nccl" else "cpu")
        dist.broadcast(told, 0)
        return float(told)

    def wait(self) -> None:
        """Until all processes are here."""
        if self.world > 1:
            dist.barrier()


def join_launched(device: str) -> tuple[Processes, str]:
    """Meet the other processes that torchrun or SLURM launched, if any, and find this one's device.

    NCCL connects GPUs, one a process; gloo connects CPUs.
    """
    if "MASTER_ADDR" in os.environ:
        for name, other in (("RANK", "PROCID"), ("WORLD_SIZE", "NTASKS"), ("LOCAL_RANK", "LOCALID")):
            if f"SLURM_{other}" in os.environ:
                os.environ.setdefault(name, os.environ[f"SLURM_{other}"])
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Processes(), device
    if device == "cuda":
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(device)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    return Processes(), device


class _Gather(torch.autograd.Function):
    """All processes' rows in order; backwards, this one's rows of the gradient, which is the same in all of them."""

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        sizes = [torch.zeros(1, dtype=torch.int64, device=z.device) for _ in range(dist.get_world_size())]
        dist.all_gather(sizes, torch.tensor([len(z)], device=z.device))
        counts = [int(s) for s in sizes]
        padded = z.new_zeros(max(counts), *z.shape[1:])
        padded[: len(z)] = z
        parts = [torch.empty_like(padded) for _ in counts]
        dist.all_gather(parts, padded)
        ctx.place = sum(counts[: dist.get_rank()]), len(z)
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        start, length = ctx.place
        return gradients[0][start : start + length]


def gather(z: Tensor) -> Tensor:
    """(n, …) of this process -> (all n, …), in the order of the global batch."""
    return _Gather.apply(z.contiguous())


class _Sum(torch.autograd.Function):
    """The sum over all processes; backwards, the sum of their gradients, as each process's rows use it."""

    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:
        total = part.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _Sum.apply(gradients[0])


def shared(number: Tensor) -> Tensor:
    """A number that every process computed alike, without ``gather``: its gradient, which will be summed, is split."""
    part = number / (dist.get_world_size() if dist.is_initialized() else 1)
    return part + (number - part).detach()


def _normalise(norm: nn.modules.batchnorm._BatchNorm, x: Float[Tensor, "n d ..."]) -> Float[Tensor, "n d ..."]:
    """Batch-norm by the mean and the biased variance of all processes' rows, in float32 at least."""
    if not norm.training:
        return functional.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)
    given, x = x.dtype, x.to(torch.promote_types(x.dtype, torch.float32))
    dims = [0, *range(2, x.ndim)]
    shape = [1, -1] + [1] * (x.ndim - 2)
    count = torch.tensor(float(x.numel() // x.shape[1]), dtype=x.dtype, device=x.device)
    dist.all_reduce(count)
    mean = _Sum.apply(x.sum(dims)) / count
    centred = x - mean.view(shape)
    variance = _Sum.apply(centred.square().sum(dims)) / count
    if norm.running_mean is not None and norm.running_var is not None and norm.momentum is not None:
        with torch.no_grad():
            norm.running_mean.lerp_(mean, norm.momentum)
            norm.running_var.lerp_(variance * count / (count - 1), norm.momentum)
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked.add_(1)
    y = centred * (variance + norm.eps).rsqrt().view(shape)
    return (y if norm.weight is None else y * norm.weight.view(shape) + norm.bias.view(shape)).to(given)
