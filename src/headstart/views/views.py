"""Random views of a whole batch at once: one affine map, one blur, one colour matrix, all drawn per image.

The views of SimCLR (Chen et al. A simple framework for contrastive learning. ICML 2020. arXiv 2002.05709, appendix A):

    u = uniform(keys, 20)                    # (n, 20): every parameter of an image, from its key
    v = R x C'                               # crop, flip, scale and translation: R (n, h, h), C (n, w, w) from u
      or grid_sample(x, affine(u))           # where there is rotation or shear
    v = B v B'                               # blur
    v = b c M v + b (1 - c) mean(v)          # brightness, contrast, saturation, hue and grey
    v = 1 - v                                # invert, where u says so
    v = clamp(v + noise, 0, 1)

Differs from the paper, and from the usual one-by-one operations: docs/views.md, with a bound each.
"""

from dataclasses import dataclass, fields
from math import ceil, log
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

from headstart.views.affine import affine, move
from headstart.views.colour import chroma, recolour
from headstart.views.random import normal, uniform
from headstart.views.sums import Sums, add_up, around, gaussian, sample

Range = tuple[float, float]
PerImage = Float[Tensor, " n"]
Images = Float[Tensor, "n c h w"] | UInt8[Tensor, "n c h w"]
TURNING = ("rotation", "shear")
GEOMETRY = (*TURNING, "crop", "aspect", "scale", "translation", "flip_horizontal", "flip_vertical")
COLOUR = ("brightness", "contrast", "saturation", "hue", "grey")
_REACH = 3  # sigmas from the middle of a blur to where it is cut
_CHUNK_BYTES = 1 << 20  # a chunk of images and its temporaries then stay about a core's second-level cache


class Drawn(NamedTuple):
    """What the keys choose; a sigma of 0 is no blur."""

    theta: Float[Tensor, "n 2 3"]
    brightness: PerImage
    contrast: PerImage
    matrix: Float[Tensor, "n 3 3"]
    inverted: Bool[Tensor, " n"]
    sigma: PerImage
    noise: PerImage


@dataclass(frozen=True)
class Views:
    """(n, c, h, w) in [0, 1], or uint8, and a key an image -> one random view an image, (n, c, h, w) in [0, 1].

    Every pair is the range (low, high) that an image's parameter is drawn from; the defaults change nothing.

    crop: share of the area that is cut out and enlarged. aspect: width over height of the cut, log-uniform.
    rotation, shear: degrees. scale: magnification about the centre, log-uniform.
    translation: share of the side, drawn for each direction. Outside the image its border is drawn on.
    flip_horizontal, flip_vertical: probabilities.
    brightness, contrast, saturation: factors (0 is black, flat, colourless; 1 as it was). hue: turns (±0.5 is all).
    jitter: probability that these four apply. grey: probability that an image loses its colour.
    invert: probability of the negative, in which light and dark change places.
    blur: sigma in pixels, with probability blur_probability. noise: standard deviation a pixel.

    Saturation, hue and grey need three channels; for any other number they do nothing.
    """

    crop: Range = (1.0, 1.0)
    aspect: Range = (1.0, 1.0)
    rotation: Range = (0.0, 0.0)
    shear: Range = (0.0, 0.0)
    scale: Range = (1.0, 1.0)
    translation: Range = (0.0, 0.0)
    flip_horizontal: float = 0.0
    flip_vertical: float = 0.0
    brightness: Range = (1.0, 1.0)
    contrast: Range = (1.0, 1.0)
    saturation: Range = (1.0, 1.0)
    hue: Range = (0.0, 0.0)
    jitter: float = 1.0
    grey: float = 0.0
    blur: Range = (0.0, 0.0)
    blur_probability: float = 1.0
    noise: Range = (0.0, 0.0)
    invert: float = 0.0

    @property
    def changed(self) -> dict[str, Range | float]:
        """The parameters that are not at their default, by name: what these views do."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) != f.default}

    @property
    def symmetric(self) -> bool:
        """Whether these views make an image equal to its rotations by 90° and its reflections."""
        return self.rotation[1] - self.rotation[0] >= 360 and self.flip_horizontal > 0 and self.flip_vertical > 0

    @torch.no_grad()
    def __call__(self, x: Images, keys: Int64[Tensor, " n"]) -> Float[Tensor, "n c h w"]:
        """The view of each image that its key names, whatever batch it comes in. No gradient passes."""
        seen = torch.empty(x.shape, dtype=torch.float32 if x.dtype == torch.uint8 else x.dtype, device=x.device)
        chunks = 1 if x.is_cuda else max(1, ceil(seen.nbytes / _CHUNK_BYTES))
        images = max(1, ceil(len(x) / chunks))
        drawn = self.draw(keys, (x.shape[2], x.shape[3]), seen.dtype)
        if x.dtype == torch.uint8:  # whatever is done before the brightness is linear
            drawn = drawn._replace(brightness=drawn.brightness / 255)
        columns, rows = self._sums(drawn, x.shape[2], x.shape[3])
        for start in range(0, len(x), images):
            at = slice(start, start + images)
            chunk = Drawn(*(table[at] for table in drawn))
            self._write(seen[at], x[at], keys[at], chunk, [s.of(at) for s in columns], [s.of(at) for s in rows])
        return seen

    def _sums(self, drawn: Drawn, height: int, width: int) -> tuple[list[Sums], list[Sums]]:
        """For columns and for rows, what is done to them apart: cut, flip, scale and shift, unless they turn; blur."""
        changed = self.changed.keys()
        columns, rows = [], []
        if changed & set(GEOMETRY) and not changed & set(TURNING):
            columns.append(sample(drawn.theta[:, 0, 0], drawn.theta[:, 0, 2], width))
            rows.append(sample(drawn.theta[:, 1, 1], drawn.theta[:, 1, 2], height))
        if "blur" in changed:
            weight = gaussian(drawn.sigma, ceil(_REACH * self.blur[1]))
            columns.append(around(weight, width))
            rows.append(around(weight, height))
        return columns, rows

    def _write(
        self,
        seen: Float[Tensor, "n c h w"],
        x: Images,
        keys: Int64[Tensor, " n"],
        drawn: Drawn,
        columns: list[Sums],
        rows: list[Sums],
    ) -> None:
        """Fill ``seen`` with a chunk's views; it is scratch paper too, as fewer bytes stay in the cache."""
        changed = self.changed.keys()
        scaled = x.dtype != seen.dtype
        if changed & set(TURNING):
            x = move(seen.copy_(x), drawn.theta)
        x = add_up(x, columns, rows) if rows else x.to(seen.dtype)
        if changed & set(COLOUR) or scaled:
            x = recolour(x, drawn.brightness, drawn.contrast, drawn.matrix, out=seen)
        if "invert" in changed:
            x = torch.where(drawn.inverted[:, None, None, None], 1 - x, x)
        if "noise" in changed:
            noise = normal(keys, *x.shape[1:], stream=1).to(x.dtype)
            x = torch.addcmul(x, noise, drawn.noise[:, None, None, None])
        torch.clamp(x, 0, 1, out=seen)

    def draw(self, keys: Int64[Tensor, " n"], size: tuple[int, int], dtype: torch.dtype) -> Drawn:
        """What the keys choose for images of that height and width."""
        p = self._parameters(keys, dtype)
        side, root = p["crop"].sqrt(), (p["aspect"] / 2).exp()
        width, height, magnification = (side * root).clamp(max=1), (side / root).clamp(max=1), p["scale"].exp()
        theta = affine(
            side_x=width / magnification * torch.where(p["mirrored"] < self.flip_horizontal, -1, 1),
            side_y=height / magnification * torch.where(p["upended"] < self.flip_vertical, -1, 1),
            centre_x=p["x"] * (1 - width),
            centre_y=p["y"] * (1 - height),
            rotation=p["rotation"],
            shear=p["shear"],
            shift_x=p["right"],
            shift_y=p["down"],
            height_by_width=size[0] / size[1],
        )
        jittered = p["jittered"] < self.jitter
        factors = (torch.where(jittered, p[name], 1) for name in ("brightness", "contrast", "saturation"))
        brightness, contrast, saturation = factors
        saturation = torch.where(p["greyed"] < self.grey, 0, saturation)
        matrix = chroma(saturation, torch.where(jittered, p["hue"], 0))
        sigma = torch.where(p["blurred"] < self.blur_probability, p["blur"], 0)
        return Drawn(theta, brightness, contrast, matrix, p["negative"] < self.invert, sigma, p["noise"])

    def _parameters(self, keys: Int64[Tensor, " n"], dtype: torch.dtype) -> dict[str, PerImage]:
        """One column an image's parameter, uniform in its range, all in one draw; new ones go to the end."""
        ranges = {name: getattr(self, name) for name in ("crop", *TURNING, *COLOUR[:-1], "noise")}
        ranges |= {name: (log(a), log(b)) for name, (a, b) in (("aspect", self.aspect), ("scale", self.scale))}
        ranges |= {"right": self.translation, "down": self.translation, "x": (-1.0, 1.0), "y": (-1.0, 1.0)}
        ranges |= dict.fromkeys(("mirrored", "upended", "jittered", "greyed", "blurred"), (0.0, 1.0))
        ranges |= {"blur": self.blur, "negative": (0.0, 1.0)}
        low, high = torch.tensor(list(ranges.values()), dtype=dtype, device=keys.device).T
        drawn = torch.lerp(low, high, uniform(keys, len(ranges)).to(dtype))
        return dict(zip(ranges, drawn.unbind(1), strict=True))
