"""The way back from what an encoder says to what it saw, for the objectives that reconstruct."""

from collections.abc import Sequence
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from headstart.encoders.autoencoder import BottleneckDecoder
from headstart.encoders.encoder import Encoder
from headstart.encoders.stages import ACTIVATIONS, Activation, Dense, Staged
from headstart.errors import UserError


class MapDecoder(nn.Module):
    """One 3×3 convolution from a stage's map back to its input's shape: linear, as the input may have any sign.

    A stage that makes a vector of its input (a dense layer) is undone by a dense layer.
    """

    def __init__(self, inputs: tuple[int, int, int], outputs: tuple[int, int, int]) -> None:
        super().__init__()
        self.size = outputs[1:]
        self.flat = inputs[1:] == (1, 1)
        if self.flat:
            dense = nn.Linear(inputs[0], prod(outputs))
            self.layer: nn.Module = nn.Sequential(nn.Flatten(), dense, nn.Unflatten(1, outputs))
        else:
            self.layer = nn.Conv2d(inputs[0], outputs[0], 3, padding=1)

    def forward(self, z: Float[Tensor, "n d i j"]) -> Float[Tensor, "n c h w"]:
        """A map of the stage's input's shape."""
        return self.layer(z if self.flat else functional.interpolate(z, self.size, mode="nearest"))


class Mirror(nn.Module):
    """Dense layers back through an encoder's, begun at its transposed weights: a stack "unrolled", then free to learn.

    Hinton, Salakhutdinov. Reducing the dimensionality of data with neural networks. Science 313, 2006 (figure 1).
    Each layer ends as what it gives back did: the last, which gives images, with a sigmoid.
    """

    def __init__(self, encoder: Encoder, *, biases: Sequence[Float[Tensor, " _"]] | None = None) -> None:
        """biases: of the encoder's layers backwards, first layer first, such as visible biases; default 0.

        Raises:
            UserError: an encoder that is not made of dense stages only.
        """
        super().__init__()
        stages = list(encoder.stages) if isinstance(encoder, Staged) else []
        dense = [stage for stage in stages if isinstance(stage, Dense)]
        if not dense or len(dense) < len(stages):
            raise UserError("a mirror wants an encoder of dense stages only: make one with encoders.networks.dense")
        self.shape = dense[0].inputs
        ends: list[Activation] = ["sigmoid", *(stage.activation for stage in dense[:-1])]
        layers: list[nn.Module] = []
        for k in reversed(range(len(dense))):
            linear = dense[k].linear
            back = nn.Linear(linear.out_features, linear.in_features, device=linear.weight.device)
            with torch.no_grad():
                back.weight.copy_(linear.weight.T)
                back.bias.zero_() if biases is None else back.bias.copy_(biases[k])
            layers += [back, ACTIVATIONS[ends[k]]()]
        self.layers = nn.Sequential(*layers)

    def forward(self, h: Float[Tensor, "n d"]) -> Float[Tensor, "n c h w"]:
        """An image in [0, 1] from a code."""
        return self.layers(h).unflatten(1, self.shape)


class Reconstructor(nn.Module):
    """Encoder and decoder as one map from an image (or a stage's input) to its reconstruction.

    A single stage is decoded from its map; every other encoder from its vector h, by the lecture's decoder, or by the
    one that is given. ``bounded``: whether reconstructions lie in [0, 1].
    """

    def __init__(self, encoder: Encoder, shape: tuple[int, int, int], decoder: nn.Module | None = None) -> None:
        super().__init__()
        single_stage = isinstance(encoder, Staged) and len(encoder.stages) == 1
        self.from_map = single_stage and decoder is None
        self.bounded = not self.from_map
        self.decoder: nn.Module
        if decoder is not None:
            self.decoder = decoder
        elif single_stage:
            self.decoder = MapDecoder(encoder.map_shape, shape)
        else:
            self.decoder = BottleneckDecoder(encoder.dim, shape[0], (shape[1], shape[2]))

    def code(self, encoder: Encoder, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n ..."]:
        """What the decoder gets of x: h, or a single stage's map."""
        return encoder.feature_map(x) if self.from_map else encoder(x)

    def forward(self, encoder: Encoder, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The reconstruction of x."""
        return self.decoder(self.code(encoder, x))
