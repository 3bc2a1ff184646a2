"""Random views of a whole batch at once: one affine map, one blur, one colour matrix, all drawn per image.

The views of SimCLR (Chen et al. A simple framework for contrastive learning. ICML 2020. arXiv 2002.05709, appendix A):

    u = uniform(keys, 20)                    # (n, 20): every parameter of an image, from its key
    v = grid_sample(x, affine(u))            # crop, flip, rotation, shear, scale and translation
    v = blur_rows v blur_columns'            # (n, h, h) and (n, w, w)
    v = b c M v + b (1 - c) mean(v)          # brightness, contrast, saturation, hue and grey
    v = clamp(v + noise, 0, 1)

Differs from the paper, and from the usual one-by-one operations: docs/views.md, with a bound each.
"""

from collections.abc import KeysView
from dataclasses import dataclass, fields
from math import log

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from headstart.views.affine import affine, move
from headstart.views.blur import LEVELS, blur_some_
from headstart.views.colour import chroma, recolour
from headstart.views.random import normal, uniform

Range = tuple[float, float]
PerImage = Float[Tensor, " n"]
GEOMETRY = ("crop", "aspect", "rotation", "shear", "scale", "translation", "flip_horizontal", "flip_vertical")
COLOUR = ("brightness", "contrast", "saturation", "hue", "grey")
_CHUNK_BYTES = 3 << 18  # a chunk of images and its temporaries then stay about a core's second-level cache


@dataclass(frozen=True)
class Views:
    """(n, c, h, w) in [0, 1] and a key an image -> one random view an image, (n, c, h, w) in [0, 1].

    Every pair is the range (low, high) that an image's parameter is drawn from; the defaults change nothing.

    crop: share of the area that is cut out and enlarged. aspect: width over height of the cut, log-uniform.
    rotation, shear: degrees. scale: magnification about the centre, log-uniform.
    translation: share of the side, drawn for each direction. Outside the image its border is drawn on.
    flip_horizontal, flip_vertical: probabilities.
    brightness, contrast, saturation: factors (0 is black, flat, colourless; 1 as it was). hue: turns (±0.5 is all).
    jitter: probability that these four apply. grey: probability that an image loses its colour.
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

    @property
    def changed(self) -> dict[str, Range | float]:
        """The parameters that are not at their default, by name: what these views do."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) != f.default}

    @property
    def symmetric(self) -> bool:
        """Whether these views make an image equal to its rotations by 90° and its reflections."""
        return self.rotation[1] - self.rotation[0] >= 360 and self.flip_horizontal > 0 and self.flip_vertical > 0

    @torch.no_grad()
    def __call__(self, x: Float[Tensor, "n c h w"], keys: Int64[Tensor, " n"]) -> Float[Tensor, "n c h w"]:
        """The view of each image that its key names, whatever batch it comes in. No gradient passes."""
        seen = torch.empty(x.shape, dtype=x.dtype, device=x.device)
        images = len(x) if x.is_cuda else _CHUNK_BYTES // max(1, x[0:1].nbytes)
        tables = (seen, x, keys, *self.draw(keys, (x.shape[2], x.shape[3]), x.dtype))
        changed = self.changed.keys()
        for chunk in zip(*(table.split(max(1, images)) for table in tables), strict=True):
            self._write(changed, *chunk)
        return seen

    def _write(
        self,
        changed: KeysView[str],
        seen: Float[Tensor, "n c h w"],
        x: Float[Tensor, "n c h w"],
        keys: Int64[Tensor, " n"],
        theta: Float[Tensor, "n 2 3"],
        brightness: PerImage,
        contrast: PerImage,
        matrix: Float[Tensor, "n 3 3"],
        level: Int64[Tensor, " n"],
        noise: PerImage,
    ) -> None:
        """Fill ``seen`` with a chunk's views; it is scratch paper too, as fewer bytes stay in the cache."""
        seen.copy_(x)
        x = move(seen, theta) if changed & set(GEOMETRY) else seen.clone()
        if "blur" in changed:
            x = blur_some_(x, level, low=self.blur[0], high=self.blur[1])
        if changed & set(COLOUR):
            x = recolour(x, brightness, contrast, matrix, out=seen)
        if "noise" in changed:
            x = torch.addcmul(x, normal(keys, *x.shape[1:], stream=1).to(x.dtype), noise[:, None, None, None])
        torch.clamp(x, 0, 1, out=seen)

    def draw(
        self, keys: Int64[Tensor, " n"], size: tuple[int, int], dtype: torch.dtype
    ) -> tuple[Float[Tensor, "n 2 3"], PerImage, PerImage, Float[Tensor, "n 3 3"], Int64[Tensor, " n"], PerImage]:
        """What the keys choose: affine map, brightness, contrast, colour matrix, level of blur, noise."""
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
        level = torch.where(p["blurred"] < self.blur_probability, 1 + (LEVELS * p["blur"]).long(), 0)
        return theta, brightness, contrast, matrix, level, p["noise"]

    def _parameters(self, keys: Int64[Tensor, " n"], dtype: torch.dtype) -> dict[str, PerImage]:
        """One column an image's parameter, uniform in its range, all in one draw; new ones go to the end."""
        ranges = {name: getattr(self, name) for name in ("crop", "rotation", "shear", *COLOUR[:-1], "noise")}
        ranges |= {name: (log(a), log(b)) for name, (a, b) in (("aspect", self.aspect), ("scale", self.scale))}
        ranges |= {"right": self.translation, "down": self.translation, "x": (-1.0, 1.0), "y": (-1.0, 1.0)}
        ranges |= dict.fromkeys(("mirrored", "upended", "jittered", "greyed", "blurred", "blur"), (0.0, 1.0))
        low, high = torch.tensor(list(ranges.values()), dtype=dtype, device=keys.device).T
        drawn = torch.lerp(low, high, uniform(keys, len(ranges)).to(dtype))
        return dict(zip(ranges, drawn.unbind(1), strict=True))
