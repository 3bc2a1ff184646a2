"""Encoders made of stages, each a map to a map, so that they can be trained one at a time or together."""

from collections.abc import Sequence
from math import prod
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headstart.encoders.encoder import Encoder

Activation = Literal["sigmoid", "tanh", "relu", "linear"]
ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "linear": nn.Identity,
}  # fmt: skip


class Standardise(nn.Module):
    """Subtract a mean and divide by a standard deviation a channel: the encoder's own first step."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(list(mean), dtype=torch.float32).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(list(std), dtype=torch.float32).clamp(min=1e-3).view(1, -1, 1, 1))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """(x − mean) / std."""
        return (x - self.mean) / self.std


class Dense(nn.Module):
    """One dense layer as a stage: a map of any shape becomes a map of one place, (n, width, 1, 1).

    After the activation come batch-norm, where asked for, and dropout with probability ``dropout``.
    """

    def __init__(
        self, inputs: tuple[int, int, int], width: int, *,
        activation: Activation = "sigmoid", batch_norm: bool = False, dropout: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.inputs = inputs
        self.activation: Activation = activation
        self.linear = nn.Linear(prod(inputs), width)
        self.activate = ACTIVATIONS[activation]()
        self.norm = nn.BatchNorm1d(width) if batch_norm else None
        self.dropout = nn.Dropout(dropout) if dropout else None

    @property
    def plain(self) -> bool:
        """Whether the activation is the last thing that happens."""
        return self.norm is None and self.dropout is None

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d 1 1"]:
        """The layer's outputs as a map of one place."""
        z = self.activate(self.linear(x.flatten(1)))
        for layer in (self.norm, self.dropout):
            z = z if layer is None else layer(z)
        return z[:, :, None, None]


class Flatten(nn.Module):
    """A map becomes one place that holds all its numbers, so that the mean over space is these numbers themselves."""

    def forward(self, x: Float[Tensor, "n d i j"]) -> Float[Tensor, "n d*i*j 1 1"]:
        """Channel by channel, each row by row."""
        return x.flatten(1)[:, :, None, None]


class Staged(Encoder):
    """A chain of stages; h is the mean over the last map. A stage may be any module that maps a map to a map."""

    def __init__(self, stages: Sequence[nn.Module] | nn.Sequential, *, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.stages = stages if isinstance(stages, nn.Sequential) else nn.Sequential(*stages)
        self.input_shape = (channels, *size)
        self.map_shape = shape_after(self.stages, self.input_shape)
        self.dim = self.map_shape[0]

    def feature_map(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        """The last stage's map."""
        return self.stages(x)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """The mean of the last map over space."""
        return self.stages(x).mean((2, 3))


def shape_after(module: nn.Module, shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """The (channels, height, width) that a module makes of an input of that shape; its state is left as it was."""
    training = module.training
    module.eval()
    with torch.no_grad():
        made = tuple(module(torch.zeros(1, *shape)).shape[1:])
    module.train(training)
    return made[0], made[1], made[2]


def convolution(inputs: int, outputs: int, *, stride: int = 1, pool: bool = False) -> nn.Sequential:
    """3×3 convolution, ReLU, batch-norm (the lecture's order), and a 2×2 maximum where ``pool``."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(outputs),
    ]
    if pool:
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


def count_parameters(module: nn.Module) -> int:
    """Parameters, with the running mean and variance of batch-norm counted as Keras counts them."""
    running = sum(b.numel() for name, b in module.named_buffers() if name.endswith(("running_mean", "running_var")))
    return sum(p.numel() for p in module.parameters()) + running
