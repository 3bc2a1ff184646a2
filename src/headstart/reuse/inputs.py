"""The input side of an encoder: images that do not match it are refused in words, or it is adapted to them."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from headstart.data.images import as_images
from headstart.data.pixels import Pixels
from headstart.encoders.build import build_encoder
from headstart.encoders.encoder import Encoder
from headstart.encoders.stages import Standardise
from headstart.encoders.weights import fit_channels
from headstart.errors import UserError
from headstart.representation.bundle import Bundle

Given = TypeVar("Given", bound=Encoder | Bundle)


def prepared(x: Tensor | np.ndarray, encoder: Encoder, pixels: Pixels | None) -> Tensor:
    """(n, c, h, w) in [0, 1] as the encoder takes them, from such a tensor or from images as they are stored.

    Raises:
        UserError: another number of channels, another size or another range than the encoder was made for.
    """
    if isinstance(x, Tensor):
        return _checked(x, encoder.input_shape)
    if pixels is None:
        raise UserError("numbers of numpy came where a tensor (n, c, h, w) in [0, 1] trained: give a tensor again")
    images = as_images(x)
    pixels.check(images)
    return torch.from_numpy(pixels(images))


def fitted_pixels(images: np.ndarray, encoder: Encoder) -> Pixels:
    """How stored images become what an encoder without a bundle takes: by their own range, in its size."""
    channels, height, width = encoder.input_shape
    if height != width:
        raise UserError(f"the encoder takes {height}×{width} images, no squares: give a tensor (n, c, h, w) in [0, 1]")
    pixels = Pixels.fit(as_images(images), image_size=height)
    if pixels.channels != channels:
        raise UserError(_channels(pixels.channels, channels, f"adapt_input(encoder, channels={pixels.channels})"))
    return pixels


def _channels(given: int, wanted: int, call: str) -> str:
    return (
        f"the images have {given} channel(s), the encoder takes {wanted}: convert the images, or adapt it with {call}"
    )


def _checked(x: Tensor, shape: tuple[int, int, int]) -> Tensor:
    if x.ndim != 4 or not len(x):
        raise UserError(f"a tensor of shape {tuple(x.shape)} was given, wanted images (n, c, h, w)")
    channels, *size = x.shape[1:]
    if channels != shape[0]:
        raise UserError(_channels(channels, shape[0], f"adapt_input(encoder, channels={channels})"))
    if tuple(size) != shape[1:]:
        raise UserError(
            f"the images have {size[0]}×{size[1]} pixels, the encoder takes {shape[1]}×{shape[2]}: resize the images, "
            f"or adapt it with adapt_input(encoder, size={tuple(size)})"
        )
    low, high = float(x.min()), float(x.max())
    if low < -1e-3 or high > 1 + 1e-3:
        raise UserError(
            f"the images' numbers go from {low:.3g} to {high:.3g}, wanted 0 to 1: divide them by their range; "
            "the encoder standardises them itself"
        )
    return x


def adapt_input(
    given: Given,
    images: np.ndarray | None = None,
    *,
    channels: int | None = None,
    size: int | tuple[int, int] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Given:
    """A copy of an encoder, or of a bundle, for images of another kind than it was made for.

    Fewer or more channels change its first convolution (``encoders.weights.fit_channels``): a network for colour then
    sees a grey image as three equal channels. A bundle fits images of any size into its own, so that ``size`` is
    needed only where the network should look at another resolution.

    Args:
        given: What to adapt; it is left alone.
        images: For a bundle, images (n, h, w) or (n, h, w, c) as stored: their channels and their range count.
        channels: How many the images have; default: those of ``images``, or as before.
        size: The side, or height and width, in pixels, at which the encoder will look at them; default: as before.
        mean: Of the images in [0, 1], a channel each, to standardise by; default: as before, averaged where the
            channels change.
        std: Their standard deviation, likewise.

    Raises:
        UserError: an encoder whose input side cannot be changed so.
    """
    bundle = given if isinstance(given, Bundle) else None
    if images is not None:
        images = as_images(images)
        channels = images.shape[3] if channels is None else channels
    encoder = copy.deepcopy(given.encoder if isinstance(given, Bundle) else given)
    if channels is not None and channels != encoder.input_shape[0]:
        _change_channels(encoder, channels)
    _change_standardising(encoder, mean, std)
    if size is not None:
        _change_size(encoder, (size, size) if isinstance(size, int) else size)
    return cast(Given, encoder if bundle is None else _rebuilt(bundle, encoder, images))


def _change_channels(encoder: Encoder, channels: int) -> None:
    first = next((m for m in encoder.modules() if isinstance(m, nn.Conv2d)), None)
    if first is None or first.in_channels != encoder.input_shape[0] or first.groups != 1:
        raise UserError("this encoder does not begin with a convolution, so its channels stay: convert the images")
    first.weight = nn.Parameter(fit_channels(first.weight.detach(), channels), first.weight.requires_grad)
    first.in_channels = channels
    encoder.input_shape = (channels, *encoder.input_shape[1:])


def _change_standardising(encoder: Encoder, mean: Sequence[float] | None, std: Sequence[float] | None) -> None:
    own = next((m for m in encoder.modules() if isinstance(m, Standardise)), None)
    if own is None:
        if mean is not None or std is not None:
            raise UserError("this encoder does not standardise its input: leave out mean and std")
        return
    channels = encoder.input_shape[0]
    for name, value in (("mean", mean), ("std", std)):
        had = getattr(own, name).flatten()
        if value is None:
            value = (had if len(had) == channels else had.mean().expand(channels)).tolist()
        if len(value) != channels:
            raise UserError(f"{name} has {len(value)} numbers for {channels} channel(s): give one a channel")
        setattr(own, name, had.new_tensor(value).view(1, -1, 1, 1))


def _change_size(encoder: Encoder, size: tuple[int, int]) -> None:
    channels, *had = encoder.input_shape
    dense = any(isinstance(m, nn.Conv2d) and list(m.kernel_size) == had for m in encoder.modules())
    training = encoder.training
    try:
        encoder.cpu().eval()
        x = torch.zeros(1, channels, *size)
        with torch.no_grad():
            fits, shape = encoder(x).shape[1] == encoder.dim, encoder.feature_map(x).shape
    except (RuntimeError, AssertionError):
        fits, shape = False, torch.Size((0, *encoder.map_shape))
    encoder.train(training)
    if dense or not fits:
        raise UserError(
            f"this encoder looks at {had[0]}×{had[1]} pixels only: resize the images to that, or leave out size"
        )
    encoder.input_shape, encoder.map_shape = (channels, *size), (shape[1], shape[2], shape[3])


def _rebuilt(bundle: Bundle, encoder: Encoder, images: np.ndarray | None) -> Bundle:
    """The bundle with the adapted encoder, built by its new card, so that it can be saved and loaded."""
    channels, *size = encoder.input_shape
    own = next((m for m in encoder.modules() if isinstance(m, Standardise)), None)
    spec = replace(bundle.spec, channels=channels, size=(size[0], size[1]))
    if own is not None:
        spec = replace(spec, mean=tuple(own.mean.flatten().tolist()), std=tuple(own.std.flatten().tolist()))
    elif channels != bundle.spec.channels:
        spec = replace(spec, mean=spec.mean[:1] * channels, std=spec.std[:1] * channels)
    with torch.random.fork_rng(devices=[]):
        built = build_encoder(spec)
    built.load_state_dict(encoder.state_dict())
    if images is None:
        pixels = replace(bundle.pixels, channels=channels, size=spec.size)
        if channels != bundle.pixels.channels:
            low, high = bundle.pixels.low, bundle.pixels.high
            pixels = replace(pixels, low=(min(low),) * channels, high=(max(high),) * channels)
    else:
        pixels = replace(Pixels.fit(images, per_image=bundle.pixels.per_image), size=spec.size)
    return replace(bundle, encoder=built.eval(), spec=spec, pixels=pixels, folder=None)
