"""Any backbone of timm as an encoder, with pretrained weights from the hub or a local file, or with random ones."""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from headstart.encoders.encoder import Encoder
from headstart.encoders.stages import Standardise
from headstart.encoders.weights import fill, read_weights
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
        self.input_shape = (channels, *size)
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
            names, way_out = {name: name for name in self.model.state_dict()}, "give the backbone's own"
            fill(self.model, read_weights(Path(wanted)), names, where=wanted, way_out=way_out)
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
