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

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from headstart.views.affine import affine, move
from headstart.views.blur import blur_some_
from headstart.views.colour import chroma, recolour
from headstart.views.random import normal, uniform

Range = tuple[float, float]
PerImage = Float[Tensor, " n"]
PerImages = tuple[PerImage, ...]
_CHUNK_BYTES = 3 << 18  # a chunk of images and its temporaries then stay about a core's second-level cache


@dataclass(frozen=True)
class Views:
    """(n, c, h, w) in [0, 1] and a key an image -> one random view an image, (n, c, h, w) in [0, 1].

    Every pair is the range (low, high) that an image's parameter is drawn from; the defaults change nothing.

    crop: share of the area that is cut out and enlarged. aspect: width over height of the cut, log-uniform.
    rotation, shear: degrees. scale: magnification about the centre, log-uniform.
    translation: share of the side, drawn for each direction. What lies outside the image is its reflection.
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

    @torch.no_grad()
    def __call__(self, x: Float[Tensor, "n c h w"], keys: Int64[Tensor, " n"]) -> Float[Tensor, "n c h w"]:
        """The view of each image that its key names, whatever batch it comes in. No gradient passes."""
        tables = (
            x,
            keys,
            *self.draws(keys, (x.shape[2], x.shape[3]), x.dtype),
            seen := torch.empty(x.shape, dtype=x.dtype, device=x.device),
        )
        images = len(x) if x.is_cuda else _CHUNK_BYTES // max(1, x[0:1].nbytes)
        changed = self.changed.keys()
        for chunk in zip(*(table.split(max(1, images)) for table in tables), strict=True):
            torch.clamp(self._view(changed, *chunk[:-1]), 0, 1, out=chunk[-1])
        return seen

    def draws(self, keys: Int64[Tensor, " n"], size: tuple[int, int], dtype: torch.dtype) -> PerImages:
        """What the keys choose: map, brightness, contrast, colour matrix, sigma and noise, each with a row an image."""
        u = uniform(keys, 20).to(dtype).unbind(1)
        return self._maps(u[:11], size[0] / size[1]), *self._colours(u[11:17]), *self._optics(u[17:])

    def _view(
        self,
        changed: KeysView[str],
        x: Float[Tensor, "n c h w"],
        keys: Int64[Tensor, " n"],
        maps: Float[Tensor, "n 2 3"],
        brightness: PerImage,
        contrast: PerImage,
        matrix: Float[Tensor, "n 3 3"],
        sigma: PerImage,
        noise: PerImage,
    ) -> Float[Tensor, "n c h w"]:
        x = x.clone(memory_format=torch.contiguous_format)  # grid_sample jumps about: it pays to fetch the chunk first
        leaves = bool(changed & {"rotation", "shear", "scale", "translation"})
        if leaves or changed & {"crop", "flip_horizontal", "flip_vertical"}:
            x = move(x, maps, reflect=leaves)
        if "blur" in changed:
            x = blur_some_(x, sigma)
        if changed & {"brightness", "contrast", "saturation", "hue", "grey"}:
            x = recolour(x, brightness, contrast, matrix)
        if "noise" in changed:
            x = torch.addcmul(x, normal(keys, *x.shape[1:], stream=1).to(x.dtype), noise[:, None, None, None])
        return x

    def _maps(self, u: PerImages, height_by_width: float) -> Float[Tensor, "n 2 3"]:
        side, root = _between(u[0], self.crop).sqrt(), _log_between(u[1], self.aspect).sqrt()
        width, height = (side * root).clamp(max=1), (side / root).clamp(max=1)
        magnification = _log_between(u[2], self.scale)
        return affine(
            side_x=width / magnification * torch.where(u[3] < self.flip_horizontal, -1, 1),
            side_y=height / magnification * torch.where(u[4] < self.flip_vertical, -1, 1),
            centre_x=(2 * u[5] - 1) * (1 - width),
            centre_y=(2 * u[6] - 1) * (1 - height),
            rotation=_between(u[7], self.rotation),
            shear=_between(u[8], self.shear),
            shift_x=_between(u[9], self.translation),
            shift_y=_between(u[10], self.translation),
            height_by_width=height_by_width,
        )

    def _colours(self, u: PerImages) -> tuple[PerImage, PerImage, Float[Tensor, "n 3 3"]]:
        """Brightness, contrast, and the matrix of saturation, hue and grey."""
        jittered = u[0] < self.jitter
        brightness, contrast, saturation = (
            torch.where(jittered, _between(v, r), 1)
            for v, r in zip(u[1:4], (self.brightness, self.contrast, self.saturation), strict=True)
        )
        hue = torch.where(jittered, _between(u[4], self.hue), 0)
        return brightness, contrast, chroma(torch.where(u[5] < self.grey, 0, saturation), hue)

    def _optics(self, u: PerImages) -> tuple[PerImage, PerImage]:
        """Sigma of the blur in pixels, and the noise's standard deviation."""
        sigma = torch.where(u[0] < self.blur_probability, _between(u[1], self.blur), 0)
        return sigma, _between(u[2], self.noise)


def _between(u: PerImage, ends: Range) -> PerImage:
    return ends[0] + u * (ends[1] - ends[0])


def _log_between(u: PerImage, ends: Range) -> PerImage:
    return ends[0] * (ends[1] / ends[0]) ** u
