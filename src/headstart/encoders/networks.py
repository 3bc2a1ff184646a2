"""Our own encoders: the small default, the lecture's network in two forms, dense ones, and ResNet-18."""

from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from headstart.encoders.encoder import Encoder
from headstart.encoders.stages import Activation, Dense, Flatten, Staged, Standardise, convolution
from headstart.errors import UserError


def small(channels: int, size: tuple[int, int], mean: Sequence[float], std: Sequence[float]) -> Staged:
    """Four strided convolutions, 32, 64, 128 and 128 filters, chosen by measurement (benchmarks/RESULTS.md)."""
    stride = 2 if min(size) >= 16 else 1
    first = nn.Sequential(Standardise(mean, std), convolution(channels, 32, stride=stride))
    rest = [convolution(a, b, stride=2) for a, b in pairwise((32, 64, 128, 128))]
    return Staged([first, *rest], channels=channels, size=size)


def lecture(channels: int, size: tuple[int, int], mean: Sequence[float], std: Sequence[float]) -> Staged:
    """The lecture's convolutional network: 32, 32, pool, 64, 64, pool."""
    stages = [
        nn.Sequential(Standardise(mean, std), convolution(channels, 32)),
        convolution(32, 32, pool=True),
        convolution(32, 64),
        convolution(64, 64, pool=True),
    ]
    return Staged(stages, channels=channels, size=size)


def lecture_flat(channels: int, size: tuple[int, int], mean: Sequence[float], std: Sequence[float]) -> Staged:
    """``lecture`` as taught for transfer: dropout ¼ after each pool, and a last stage, ``features``, that flattens."""
    stages = nn.Sequential(
        nn.Sequential(Standardise(mean, std), convolution(channels, 32)),
        convolution(32, 32, pool=True).append(nn.Dropout(0.25)),
        convolution(32, 64),
        convolution(64, 64, pool=True).append(nn.Dropout(0.25)),
    )
    stages.add_module("features", Flatten())
    return Staged(stages, channels=channels, size=size)


def mlp(channels: int, size: tuple[int, int], mean: Sequence[float], std: Sequence[float]) -> Staged:
    """Two dense layers, 512 and 256, with ReLU and batch-norm, written as convolutions as large as the map."""
    first = nn.Sequential(
        Standardise(mean, std), nn.Conv2d(channels, 512, size), nn.ReLU(inplace=True), nn.BatchNorm2d(512)
    )
    second = nn.Sequential(nn.Conv2d(512, 256, 1), nn.ReLU(inplace=True), nn.BatchNorm2d(256))
    return Staged([first, second], channels=channels, size=size)


def dense(
    channels: int,
    size: tuple[int, int],
    *,
    widths: Sequence[int] = (512,),
    activation: Activation = "sigmoid",
    last: Activation | None = None,
    batch_norm: bool = False,
    dropout: float = 0.0,
) -> Staged:
    """Dense layers, each a stage; images enter as they are, in [0, 1], as a Boltzmann machine wants them.

    Weights begin uniform within ±1/√(inputs of the layer), torch's own rule and that of the experiments of 2006.

    Args:
        channels: Of the images. size: their (height, width).
        widths: Outputs of each layer; the last is the width of h.
        activation: Of every layer but the last: sigmoid, tanh, relu or linear.
        last: Of the last layer, linear for a code; default: as the others.
        batch_norm: After each activation, but not after the last layer's where ``last`` is given.
        dropout: Probability of a zero after each activation, with the same exception.

    Raises:
        UserError: no layer, or one without outputs.
    """
    if not widths or min(widths) < 1:
        raise UserError(f"widths={tuple(widths)}: wanted one number of at least 1 a layer, such as (512, 256)")
    shapes = [(channels, *size), *((width, 1, 1) for width in widths)]
    stages = [
        Dense(inputs, width, activation=activation, batch_norm=batch_norm, dropout=dropout)
        for inputs, width in zip(shapes[:-1], widths, strict=True)
    ]
    if last is not None:
        stages[-1] = Dense(shapes[-2], widths[-1], activation=last)
    return Staged(stages, channels=channels, size=size)


def resnet18(channels: int, size: tuple[int, int], mean: Sequence[float], std: Sequence[float]) -> Staged:
    """ResNet-18 (He et al. 2016, arXiv 1512.03385) with a 3×3 stem and no first pooling, as for 32-pixel images."""
    stem = nn.Sequential(
        Standardise(mean, std), nn.Conv2d(channels, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()
    )
    widths = (64, 64, 128, 256, 512)
    blocks = [
        nn.Sequential(ResidualBlock(a, b, stride=1 if i == 0 else 2), ResidualBlock(b, b, stride=1))
        for i, (a, b) in enumerate(pairwise(widths))
    ]
    return Staged([stem, *blocks], channels=channels, size=size)


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions around which the input passes (He et al. 2016, figure 2)."""

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        """relu(F(x) + shortcut(x))."""
        inner = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(inner + self.shortcut(x))


class PixelVector(Encoder):
    """The pixels themselves, flattened: what every baseline on pixels sees."""

    def __init__(self, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.input_shape = self.map_shape = (channels, *size)
        self.dim = channels * size[0] * size[1]

    def feature_map(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The image."""
        return x

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """The image as a row."""
        return x.flatten(1)
