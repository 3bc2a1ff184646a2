"""How stored numbers become floats in [0, 1] of one size, for a data set and for every image that follows it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.fit import fit
from headstart.data.inputs import Inputs, as_inputs, chunks, to_tensor
from headstart.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

LONGEST = 64
PERCENTILES = (0.1, 99.9)
_FEW_LEVELS = 31
_SAMPLE = 4_000_000
_DARK, _BEYOND = 0.1, 0.1  # of the range, of the numbers: a digit's faintest image passes, another scale does not


@dataclass(frozen=True)
class Pixels:
    """Images (n, h, w, c) as stored -> float32 (n, c, *size) in [0, 1]: the preparation that an encoder carries.

    size: (h, w), a square, into which images are fitted, each from its own numbers: shrunk by area average or enlarged
        bilinearly, keeping their aspect ratio, padded with the median of their own border, in the stored number type.
    channels: how many an image must have. dtype: the number type it must have, unless per_image.
    low, high: a value a channel, which become 0 and 1; what lies beyond is clipped.
    per_image: each image is scaled by its own 0.1 and 99.9 percentiles instead, a channel at a time.
    """

    size: tuple[int, int]
    channels: int
    low: tuple[float, ...]
    high: tuple[float, ...]
    per_image: bool = False
    dtype: str = "uint8"

    @classmethod
    def fit(cls, given: Inputs | np.ndarray, *, image_size: int | None = None, per_image: bool = False) -> "Pixels":
        """The rule for a data set's images, of uint8, uint16 or float32; it reads them by parts.

        Numbers of 8 bits are divided by 255 unless none exceeds 31, floats within [0, 1] stay; others are scaled, a
        channel at a time, so that the 0.1 and 99.9 percentiles (of about 4 million numbers, from images evenly spaced)
        become 0 and 1.

        Args:
            given: The images, from one data set, (n, h, w, c).
            image_size: Side in pixels; default: the images' own longer side, at most 64.
            per_image: Scale each image by its own percentiles.
        """
        inputs = as_inputs(given)
        h, w, channels = inputs.shape
        side = min(LONGEST, max(h, w)) if image_size is None else image_size
        if side < 1:
            raise UserError(f"image size {side} is too small: give at least one pixel")
        low, high = _range(inputs)
        return cls((side, side), channels, low, high, per_image, inputs.dtype.name)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """(n, h, w, c), of any h and w -> (n, c, *size) float32 in [0, 1].

        Raises:
            UserError: for images with another number of channels, or of another number type.
        """
        self._check_channels(images.shape[1:])
        if images.dtype.name != self.dtype and not self.per_image:
            raise UserError(
                f"{images.dtype.name} images came where {self.dtype} ones are wanted, from {self.low[0]:g} to "
                f"{self.high[0]:g}: convert them to that scale first"
            )
        return self.prepare(fit(images, self.size)).numpy()

    def scale(self, stored: "Tensor") -> "Tensor":
        """(n, h, w, c), fitted -> (n, c, h, w) float32 in [0, 1], where the stored numbers are."""
        import torch

        planes = stored.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
        if self.per_image:
            low, high = (torch.from_numpy(end).to(planes.device) for end in _own_range(planes.cpu().numpy()))
        else:
            low, high = (planes.new_tensor(end)[:, None, None] for end in (self.low, self.high))
        return (planes - low).div_(high - low).clamp_(0, 1)

    def prepare(self, stored: Any) -> "Tensor":
        """Stored images of the rows of ``Inputs`` that ``read(rows, self.size)`` gave, as an encoder takes them."""
        return self.scale(to_tensor(stored))

    def check(self, given: Inputs | np.ndarray) -> None:
        """Refuse images of another kind than those that the encoder was made for; the one rule for whoever uses it.

        Raises:
            UserError: another number of channels, another number type, or another range: so dark that nothing is left,
                or a tenth of the numbers outside (of about 4 million, from images evenly spaced).
        """
        inputs = as_inputs(given)
        self._check_channels(inputs.shape)
        if self.per_image:
            return
        some = _some(inputs)
        low, high = np.array(self.low, np.float32), np.array(self.high, np.float32)
        scaled = (some.astype(np.float32) - low) / (high - low)
        beyond = float(((scaled < -0.01) | (scaled > 1.01)).mean())
        if inputs.dtype.name != self.dtype or scaled.max() < _DARK or beyond > _BEYOND:
            raise UserError(
                f"the images are {inputs.dtype} from {some.min():g} to {some.max():g}, the encoder was made for "
                f"{self.dtype} from {low.min():g} to {high.max():g}: convert the images, or adapt it with "
                "adapt_input(bundle, images)"
            )

    def _check_channels(self, shape: tuple[int, ...]) -> None:
        if len(shape) != 3:
            raise UserError(
                f"images of shape (n, h, w, {self.channels}) are wanted, each came as {shape}: convert them"
            )
        if shape[2] != self.channels:
            raise UserError(
                f"the images have {shape[2]} channel(s), the encoder takes {self.channels}: convert the images, or "
                "adapt it with adapt_input(bundle, images)"
            )


def _some(inputs: Inputs) -> np.ndarray:
    """(m, h, w, c) of images evenly spaced, about 4 million numbers in all."""
    step = max(1, -(-len(inputs) * int(np.prod(inputs.shape)) // _SAMPLE))
    return inputs.read(np.arange(0, len(inputs), step))


def _range(inputs: Inputs) -> tuple[tuple[float, ...], tuple[float, ...]]:
    c = inputs.shape[2]
    if inputs.dtype == np.uint8 and not _all(inputs, 0, _FEW_LEVELS, but_zero=True):
        return (0.0,) * c, (255.0,) * c
    if inputs.dtype.kind == "f" and _all(inputs, 0, 1):
        return (0.0,) * c, (1.0,) * c
    low, high = np.percentile(_some(inputs).reshape(-1, c), PERCENTILES, axis=0)
    return tuple(map(float, low)), tuple(map(float, np.where(high > low, high, low + 1)))


def _all(inputs: Inputs, low: float, high: float, *, but_zero: bool = False) -> bool:
    """Whether all numbers lie between two ends, looked at until one does not; ``but_zero``: and not all are zero."""
    largest = 0.0
    for part in chunks(inputs):
        largest = max(largest, float(part.max()))
        if largest > high or part.min() < low:
            return False
    return largest > 0 or not but_zero


def _own_range(planes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.percentile(planes, PERCENTILES, axis=(2, 3), keepdims=True).astype(np.float32)
    return low, np.where(high > low, high, low + 1)
