"""Images become pictures inside the page: data URIs, contact sheets and galleries."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headstart.data.inputs import Inputs, as_inputs
from headstart.report.elements import Child, Html, picture, tag

LARGEST = 128
SAMPLE = 500


@dataclass(frozen=True)
class Display:
    """How intensities are shown: everything from ``low`` to ``high`` spans black to white, for the whole data set."""

    low: float
    high: float

    @classmethod
    def of(cls, given: Inputs | np.ndarray) -> "Display":
        """8-bit images as they are; others between the 0.5th and 99.5th percentile of a sample."""
        inputs = as_inputs(given)
        if inputs.dtype == np.uint8:
            return cls(0.0, 255.0)
        some = inputs.read(np.arange(0, len(inputs), max(1, len(inputs) // SAMPLE))).astype(np.float32)
        low, high = np.nanpercentile(some, [0.5, 99.5])
        return cls(float(low), float(high) if high > low else float(low) + 1.0)

    def rgb(self, images: np.ndarray) -> np.ndarray:
        """(..., c) -> (..., 3) uint8: one channel as grey, two as red and green, of more the first three."""
        scaled = (np.asarray(images, np.float32) - self.low) / (self.high - self.low)
        seen = (np.clip(np.nan_to_num(scaled), 0, 1) * 255).round().astype(np.uint8)
        channels = seen.shape[-1]
        if channels == 1:
            return np.repeat(seen, 3, axis=-1)
        if channels == 2:
            return np.concatenate([seen, np.zeros_like(seen[..., :1])], axis=-1)
        return seen[..., :3]


UNIT = Display(0.0, 1.0)


def data_uri(rgb: np.ndarray, *, lossy: bool = False) -> str:
    """(h, w, 3) uint8 -> a data URI: PNG, or a small WebP where exact intensities do not matter."""
    from PIL import Image

    grey = (rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all()
    image = Image.fromarray(np.ascontiguousarray(rgb[..., 0] if grey else rgb))
    buffer, kind = io.BytesIO(), "webp" if lossy else "png"
    image.save(buffer, kind, **({"quality": 70} if lossy else {"optimize": True}))
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def shrink(images: np.ndarray, side: int) -> np.ndarray:
    """(n, h, w, c) -> float32 with both sides at most ``side``, by averaging whole blocks of pixels."""
    n, height, width, channels = images.shape
    step = -(-max(height, width) // side)
    rows, columns = max(1, height // step), max(1, width // step)
    high, wide = min(height, rows * step), min(width, columns * step)
    cut = np.asarray(images[:, :high, :wide], np.float32)
    return cut.reshape(n, rows, high // rows, columns, wide // columns, channels).mean((2, 4))


def sheet(rows: np.ndarray, *, gap: int = 2, first_apart: bool = False) -> np.ndarray:
    """(rows, columns, h, w, 3) uint8 -> one (H, W, 4) picture with transparent gaps, the first column set apart."""
    count, columns, height, width, _ = rows.shape
    apart = 3 * gap if first_apart else 0
    canvas = np.zeros((count * (height + gap) - gap, columns * (width + gap) - gap + apart, 4), np.uint8)
    for i in range(count):
        for j in range(columns):
            top, left = i * (height + gap), j * (width + gap) + (apart if j else 0)
            canvas[top : top + height, left : left + width] = np.dstack([rows[i, j], np.full((height, width), 255)])
    return canvas


def sheet_picture(rows: np.ndarray, alt: str, *, side: int = 72, first_apart: bool = False) -> Html:
    """(rows, columns, h, w, c) in [0, 1] -> a contact sheet, each image about ``side`` pixels wide on the page."""
    small = np.stack([shrink(row, LARGEST) for row in rows])
    canvas = sheet(UNIT.rgb(small), gap=max(1, small.shape[3] // 16), first_apart=first_apart)
    width = round(canvas.shape[1] * side / small.shape[3])
    return picture(
        _png(canvas), alt, class_="pixels", width=width, height=round(canvas.shape[0] * side / small.shape[3])
    )


def gallery(images: np.ndarray, display: Display, captions: Sequence[tuple[str, Child]]) -> Html:
    """(m, h, w, c) images with their captions; a caption is a pair of alternative text and words."""
    shown = display.rgb(shrink(images, LARGEST))
    cells = [
        tag("figure", picture(data_uri(one), alt, class_="pixels", width=96), tag("figcaption", caption))
        for one, (alt, caption) in zip(shown, captions, strict=True)
    ]
    return tag("div", *cells, class_="gallery")


def _png(rgba: np.ndarray) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgba).save(buffer, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
