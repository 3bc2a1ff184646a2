"""Encoders by name, from what a bundle's card says of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from operator import attrgetter
from typing import Any

from headstart.encoders import networks
from headstart.encoders.autoencoder import BottleneckEncoder
from headstart.encoders.encoder import Encoder
from headstart.encoders.patches import PatchEncoder
from headstart.encoders.transformer import VisionTransformer
from headstart.errors import UserError, unknown

_OWN = {"small": networks.small, "lecture": networks.lecture, "mlp": networks.mlp, "resnet18": networks.resnet18}
STAGED = (*_OWN, "dense")  # made of stages, as layer-wise pretraining wants
_OWN |= {"lecture_flat": networks.lecture_flat, "patches": PatchEncoder, "transformer": VisionTransformer}
_OTHERS = ("dense", "autoencoder", "pixels")
NAMES = (*_OWN, *_OTHERS, "timm:NAME")
SMALLEST = 8


@dataclass(frozen=True)
class EncoderSpec:
    """Everything needed to build an encoder again; plain values, so that a card can hold it.

    mean, std: of the training inputs, a channel each, in [0, 1]. bottleneck: width of the autoencoder's code.
    symmetric: h is the mean over an image's eight rotations and reflections, as its views make them equal.
    options: what a learner's class (a name such as "module:Class") is made with.
    """

    name: str
    channels: int
    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    bottleneck: int = 32
    symmetric: bool = False
    options: Mapping[str, int | float | str] = field(default_factory=dict)


def check_encoder(name: str) -> str:
    """The name, or a UserError that suggests one."""
    if name not in (*_OWN, *_OTHERS) and not name.startswith("timm:"):
        if ":" not in name:
            raise unknown("encoder", name, NAMES)
        imported(name)
    return name


def imported(name: str) -> Any:
    """What "module:Name" stands for.

    Raises:
        UserError: there is no such module, or nothing of that name in it.
    """
    module, _, path = name.partition(":")
    try:
        return attrgetter(path)(import_module(module))
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(f"{name} cannot be imported ({error}): give module:Name of a module on Python's path") from None


def build_encoder(spec: EncoderSpec, *, pretrained: bool = False) -> Encoder:
    """A freshly initialised encoder (torch's global seed decides its weights).

    pretrained: with the weights that a backbone's name asks for (``timm:NAME@hub``, ``timm:NAME@FILE``).
    """
    check_encoder(spec.name)
    if ":" in spec.name and not spec.name.startswith("timm:"):
        return imported(spec.name)(**spec.options).encoder((spec.channels, *spec.size))
    if spec.name == "pixels":
        return networks.PixelVector(spec.channels, spec.size)
    if min(spec.size) < SMALLEST:
        raise UserError(
            f"images are {spec.size[0]}×{spec.size[1]} pixels, an encoder wants at least {SMALLEST}×{SMALLEST}: "
            f"enlarge them with --image-size {SMALLEST}"
        )
    if spec.name == "dense":
        return networks.dense(spec.channels, spec.size)
    if spec.name == "autoencoder":
        return BottleneckEncoder(spec.channels, spec.size, bottleneck=spec.bottleneck)
    if spec.name.startswith("timm:"):
        from headstart.encoders.backbone import Backbone

        name = spec.name.removeprefix("timm:")
        return Backbone(name, spec.channels, spec.size, spec.mean, spec.std, pretrained=pretrained)
    return _OWN[spec.name](spec.channels, spec.size, spec.mean, spec.std)
