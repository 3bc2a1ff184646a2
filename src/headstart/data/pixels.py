"""How stored numbers become floats in [0, 1] of one size, for a data set and for every image that follows it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from headstart.data.fit import fit_planes
from headstart.errors import UserError

LONGEST = 64
PERCENTILES = (0.1, 99.9)
_FEW_LEVELS = 31
_SAMPLE = 4_000_000
_CHUNK = 4_000_000


@dataclass(frozen=True)
class Pixels:
    """Images (n, h, w, c) as stored -> float32 (n, c, *size) in [0, 1].

    size: (h, w), a square, into which images are fitted: shrunk by area average or enlarged bilinearly, keeping their
        aspect ratio, and padded with the median of their own border.
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
    def fit(cls, images: np.ndarray, *, image_size: int | None = None, per_image: bool = False) -> "Pixels":
        """The rule for a data set's images, (n, h, w, c) uint8, uint16 or float32.

        Numbers of 8 bits are divided by 255 unless none exceeds 31, floats within [0, 1] stay; others are scaled, a
        channel at a time, so that the 0.1 and 99.9 percentiles (of about 4 million numbers, from images evenly spaced)
        become 0 and 1.

        Args:
            images: The images, from one data set.
            image_size: Side in pixels; default: the images' own longer side, at most 64.
            per_image: Scale each image by its own percentiles.
        """
        side = min(LONGEST, max(images.shape[1:3])) if image_size is None else image_size
        if side < 1:
            raise UserError(f"image size {side} is too small: give at least one pixel")
        channels = images.shape[3]
        low, high = _range(images)
        return cls((side, side), channels, low, high, per_image, images.dtype.name)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """(n, h, w, c), of any h and w -> (n, c, *size) float32 in [0, 1].

        Raises:
            UserError: for images with another number of channels, or of another number type.
        """
        self._check(images)
        n, h, w, c = images.shape
        scaled = np.empty((n, c, *self.size), np.float32)
        step = max(1, _CHUNK // (h * w * c))
        for start in range(0, n, step):
            planes = images[start : start + step].transpose(0, 3, 1, 2).astype(np.float32, order="C")
            low, high = _own_range(planes) if self.per_image else (_column(self.low), _column(self.high))
            planes -= low
            planes /= high - low
            scaled[start : start + step] = fit_planes(np.clip(planes, 0, 1, out=planes), self.size)
        return np.clip(scaled, 0, 1, out=scaled)

    def _check(self, images: np.ndarray) -> None:
        if images.ndim != 4 or images.shape[3] != self.channels:
            raise UserError(
                f"images of shape {images.shape} came where {self.channels} channels are wanted, "
                f"(n, h, w, {self.channels}): convert them first"
            )
        if images.dtype.name != self.dtype and not self.per_image:
            raise UserError(
                f"{images.dtype.name} images came where {self.dtype} ones are wanted, from {self.low[0]:g} to "
                f"{self.high[0]:g}: convert them to that scale first"
            )

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, lists and strings."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, card: Mapping[str, Any]) -> "Pixels":
        """What ``to_json`` gave, as Pixels again."""
        values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in card.items()}
        return cls(**values)


def _column(values: tuple[float, ...]) -> np.ndarray:
    return np.array(values, np.float32)[:, None, None]


def _range(images: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    c = images.shape[3]
    if images.dtype == np.uint8 and not 0 < images.max() <= _FEW_LEVELS:
        return (0.0,) * c, (255.0,) * c
    if images.dtype.kind == "f" and images.min() >= 0 and images.max() <= 1:
        return (0.0,) * c, (1.0,) * c
    step = max(1, -(-images.size // _SAMPLE))
    low, high = np.percentile(images[::step].reshape(-1, c), PERCENTILES, axis=0)
    return tuple(map(float, low)), tuple(map(float, np.where(high > low, high, low + 1)))


def _own_range(planes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.percentile(planes, PERCENTILES, axis=(2, 3), keepdims=True).astype(np.float32)
    return low, np.where(high > low, high, low + 1)
