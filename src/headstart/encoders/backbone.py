"""Any backbone of timm as an encoder, with pretrained weights from the hub or a local file, or with random ones."""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor

from headstart.encoders.encoder import Encoder
from headstart.encoders.stages import Standardise
from headstart.errors import UserError, unknown


def _timm_with(architecture: str) -> ModuleType:
    try:
        import timm
    except (ImportError, RuntimeError) as error:
        raise UserError(
            f"timm:NAME was given, but timm does not load ({error}): pip install 'headstart[timm]'"
        ) from None
    if not timm.is_model(architecture):
        raise unknown("timm backbone", architecture, timm.list_models())
    return timm


class Made(NamedTuple):
    """What a backbone was made for: images of ``side`` pixels, and of no other side where ``fixed``; mean and std."""

    side: int
    fixed: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]


def made_for(architecture: str) -> Made:
    """The images for which timm's weights of an architecture were trained.

    Raises:
        UserError: timm has no such architecture.
    """
    found = _timm_with(architecture).models.get_pretrained_cfg(architecture)
    return Made(int(found.input_size[1]), bool(found.fixed_input_size), tuple(found.mean), tuple(found.std))


class Backbone(Encoder):
    """``NAME`` with random weights, ``NAME@hub`` with timm's own, ``NAME@FILE`` from a local state dict.

    pretrained: read the weights that ``@`` names; without, they are random whatever the name says.
    """

    def __init__(
        self,
        name: str,
        channels: int,
        size: tuple[int, int],
        mean: Sequence[float],
        std: Sequence[float],
        *,
        pretrained: bool = False,
    ) -> None:
        super().__init__()
        architecture, _, weights = name.partition("@")
        timm = _timm_with(architecture)
        self.standardise = Standardise(mean, std)
        wanted = weights if pretrained else ""
        try:
            self.model = timm.create_model(architecture, pretrained=wanted == "hub", in_chans=channels, num_classes=0)
        except (OSError, RuntimeError) as error:
            reason = str(error).partition("\n")[0]
            raise UserError(
                f"timm:{name} cannot be made ({reason}): give timm:NAME@FILE, or timm:NAME for none"
            ) from None
        if wanted not in ("", "hub"):
            _fill(self.model, Path(wanted), channels)
        self.model.eval()
        with torch.no_grad():
            x = torch.zeros(1, channels, *size)
            self.dim = int(self.model(x).shape[1])
            shape = self.feature_map(x).shape
        self.map_shape = (shape[1], shape[2], shape[3])
        self.model.train()

    def feature_map(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        """timm's unpooled features; a transformer's tokens as one row."""
        features = self.model.forward_features(self.standardise(x))
        return features if features.ndim == 4 else features.transpose(1, 2).unsqueeze(2)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """timm's pooled features."""
        return self.model(self.standardise(x))


def _fill(model: Any, path: Path, channels: int) -> None:
    """Every weight from the file; its classifier is dropped, its first convolution fitted to the channels as timm does.

    Raises:
        UserError: no such file, or one that holds other weights than the model's.
    """
    from timm.models import adapt_input_conv

    weights = _read(path)
    first = model.pretrained_cfg.get("first_conv") or ()
    try:
        for key in (f"{name}.weight" for name in ([first] if isinstance(first, str) else first)):
            if key in weights and weights[key].shape != model.state_dict()[key].shape:
                weights[key] = adapt_input_conv(channels, weights[key])
        missing = model.load_state_dict(weights, strict=False).missing_keys
    except (NotImplementedError, RuntimeError, TypeError):
        missing = ["a shape"]
    if missing:
        raise UserError(f"{path} holds the weights of another network ({missing[0]} differs): give the backbone's own")


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise UserError(f"no weights file {path}: give timm:NAME@hub, timm:NAME@FILE, or timm:NAME for none")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # each of the readers has its own for a file that is something else
        raise UserError(f"{path} is no state dict: save one with torch.save or as .safetensors") from None
