"""Weights exchanged with other software: state dicts of plain PyTorch, torchvision and timm, in and out of encoders."""

import math
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from headstart.encoders.encoder import Encoder
from headstart.encoders.networks import ResidualBlock
from headstart.encoders.stages import Staged, Standardise
from headstart.errors import UserError

_COUNTER = "num_batches_tracked"  # older files lack it, and nothing is computed from it
_RESNET = (  # ours -> torchvision's and timm's
    (r"^stages\.0\.1\.", "conv1."),
    (r"^stages\.0\.2\.", "bn1."),
    (r"^stages\.", "layer"),
    (r"\.shortcut\.", ".downsample."),
)


def load_weights(encoder: Encoder, source: str | Path | Mapping[str, Tensor], *, partial: bool = False) -> list[str]:
    """Fill an encoder, in place, with weights from elsewhere; its standardising of the input stays its own.

    Names are those that ``save_weights`` writes: torchvision's and timm's for ``resnet18``, timm's own for a backbone.
    Where no name is known, as with a network written in plain PyTorch, the weights are taken in their order and must
    have the shapes; what follows the encoder's last is left out, as it is the other network's head.
    A first convolution made for colour is summed (for grey) or repeated, as timm does.

    Args:
        encoder: What to fill.
        source: A .pth file, a .safetensors file, or a state dict.
        partial: Leave what does not fit as it was, instead of refusing everything.

    Returns:
        A line for each thing that was adapted, left as it was, or left out.

    Raises:
        UserError: no such file, or weights of another network.
    """
    where = "the state dict" if isinstance(source, Mapping) else str(source)
    weights = dict(source) if isinstance(source, Mapping) else read_weights(Path(source))
    weights = {name.removeprefix("module."): value for name, value in weights.items()}
    names = foreign_names(encoder)
    if isinstance(encoder, Staged) and not set(names.values()) & set(weights):
        ours = [name for name in names if not name.endswith(_COUNTER)]
        theirs = [name for name in weights if not name.endswith(_COUNTER)]
        names = dict(zip(ours, [*theirs, *[f"a weight for {name}" for name in ours[len(theirs) :]]], strict=False))
    way_out = "give this network's own weights, or partial=True to leave as they are those that differ"
    notes = fill(encoder, weights, names, where=where, way_out=way_out, partial=partial)
    left = [name for name in weights if name not in names.values() and not name.endswith(_COUNTER)]
    return [*notes, *([f"left out: {', '.join(left)}"] if left else [])]


def save_weights(encoder: Encoder, path: str | Path) -> Path:
    """Write an encoder's weights as a state dict, .pth or .safetensors, under the names of ``load_weights``.

    The standardising of the input is not part of it: the other network must be given standardised images.

    Raises:
        UserError: another kind of file.
    """
    path, state = Path(path), encoder.state_dict()
    weights = {theirs: state[own].detach().cpu().contiguous().clone() for own, theirs in foreign_names(encoder).items()}
    if path.suffix == ".safetensors":
        save_file(weights, path)
    elif path.suffix in (".pth", ".pt"):
        torch.save(weights, path)
    else:
        raise UserError(f"{path}: wanted a name that ends in .pth or .safetensors")
    return path


def foreign_names(encoder: nn.Module) -> dict[str, str]:
    """Name of each of an encoder's weights and statistics -> its name in other software's state dicts."""
    own = [f"{name}." for name, module in encoder.named_modules() if isinstance(module, Standardise)]
    names = [name for name in encoder.state_dict() if not name.startswith(tuple(own))]
    residual = any(isinstance(module, ResidualBlock) for module in encoder.modules())
    return {name: _foreign(name, _RESNET if residual else ((r"^model\.", ""),)) for name in names}


def _foreign(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def fill(
    module: nn.Module, weights: Mapping[str, Tensor], names: Mapping[str, str], *, where: str, way_out: str,
    partial: bool = False,
) -> list[str]:  # fmt: skip
    """Copy ``weights`` into a module, ``names`` being own name -> name there; a line for what did not fit at once.

    Raises:
        UserError: a weight that is missing or of another shape, unless ``partial``.
    """
    state, found, notes = module.state_dict(), {}, []
    for own, theirs in names.items():
        given, wanted = weights.get(theirs), state[own]
        if given is None and own.endswith(_COUNTER):
            continue
        if isinstance(given, Tensor) and given.shape == wanted.shape:
            found[own] = given
        elif isinstance(given, Tensor) and _made_for_colour(given, wanted):
            found[own] = fit_channels(given, wanted.shape[1])
            notes.append(f"{theirs}: made for 3 channels, fitted to {wanted.shape[1]}")
        else:
            there = f"has shape {tuple(given.shape)}" if isinstance(given, Tensor) else "is not there"
            line = f"{theirs} {there}, wanted {tuple(wanted.shape)}"
            if not partial:
                raise UserError(f"{where} holds the weights of another network ({line}): {way_out}")
            notes.append(f"{line}: left as it was")
    module.load_state_dict(found, strict=False)
    return notes


def fit_channels(weight: Float[Tensor, "d a i j"], channels: int) -> Float[Tensor, "d b i j"]:
    """A first convolution's weights for another number of channels.

    For grey their sum, which makes of it what three equal channels were made of; otherwise they are repeated, and
    scaled so that equal channels give what they gave before.
    """
    if channels == 1:
        return weight.sum(1, keepdim=True)
    had = weight.shape[1]
    return weight.repeat(1, math.ceil(channels / had), 1, 1)[:, :channels] * (had / channels)


def _made_for_colour(given: Tensor, wanted: Tensor) -> bool:
    shapes = [(*t.shape[:1], *t.shape[2:]) for t in (given, wanted)]
    return given.ndim == wanted.ndim == 4 and given.shape[1] == 3 and shapes[0] == shapes[1]


def read_weights(path: Path) -> dict[str, Tensor]:
    """A state dict from a .safetensors file, or from one of torch, of which nothing but tensors is unpickled.

    Raises:
        UserError: no such file, or no state dict.
    """
    if not path.is_file():
        raise UserError(
            f"no weights file {path}: give one by torch.save or .safetensors; for a backbone, timm:NAME@hub has timm's "
            "own, and timm:NAME none"
        )
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception:  # each of the readers has its own for a file that is something else
        raise UserError(f"{path} is no state dict: save one with torch.save or as .safetensors") from None
