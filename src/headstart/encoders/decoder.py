"""The way back from what an encoder says to what it saw, for the objectives that reconstruct."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from headstart.encoders.autoencoder import BottleneckDecoder
from headstart.encoders.encoder import Encoder
from headstart.encoders.stages import Staged


class MapDecoder(nn.Module):
    """One 3×3 convolution from a stage's map back to its input's shape: linear, as the input may have any sign.

    A stage that flattened its input (a dense layer) is undone by a transposed convolution as large as that input.
    """

    def __init__(self, inputs: tuple[int, int, int], outputs: tuple[int, int, int]) -> None:
        super().__init__()
        self.size = outputs[1:]
        self.flat = inputs[1:] == (1, 1) and self.size != (1, 1)
        if self.flat:
            self.layer: nn.Module = nn.ConvTranspose2d(inputs[0], outputs[0], self.size)
        else:
            self.layer = nn.Conv2d(inputs[0], outputs[0], 3, padding=1)

    def forward(self, z: Float[Tensor, "n d i j"]) -> Float[Tensor, "n c h w"]:
        """A map of the stage's input's shape."""
        return self.layer(z if self.flat else functional.interpolate(z, self.size, mode="nearest"))


class Reconstructor(nn.Module):
    """Encoder and decoder as one map from an image (or a stage's input) to its reconstruction.

    A single stage is decoded from its map; every other encoder from its vector h, by the lecture's decoder.
    """

    def __init__(self, encoder: Encoder, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.single_stage = isinstance(encoder, Staged) and len(encoder.stages) == 1
        self.decoder: nn.Module
        if self.single_stage:
            self.decoder = MapDecoder(encoder.map_shape, shape)
        else:
            self.decoder = BottleneckDecoder(encoder.dim, shape[0], (shape[1], shape[2]))

    def forward(self, encoder: Encoder, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The reconstruction of x."""
        return self.decoder(encoder.feature_map(x) if self.single_stage else encoder(x))
