"""Any backbone of timm as an encoder, with its weights from the hub, from a local file, or none."""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import torch
from jaxtyping import Float
from torch import Tensor

from headstart.encoders.encoder import Encoder
from headstart.encoders.stages import Standardise
from headstart.errors import UserError, unknown


def _timm() -> ModuleType:
    try:
        import timm
    except (ImportError, RuntimeError) as error:
        raise UserError(
            f"timm:NAME was given, but timm does not load ({error}): pip install 'headstart[timm]'"
        ) from None
    return timm


class Backbone(Encoder):
    """``NAME`` without weights, ``NAME@hub`` with timm's own, ``NAME@FILE`` from a local state dict."""

    def __init__(
        self, name: str, channels: int, size: tuple[int, int], mean: Sequence[float], std: Sequence[float]
    ) -> None:
        super().__init__()
        timm = _timm()
        architecture, _, weights = name.partition("@")
        if not timm.is_model(architecture):
            raise unknown("timm backbone", architecture, timm.list_models())
        self.standardise = Standardise(mean, std)
        self.model = timm.create_model(architecture, pretrained=weights == "hub", in_chans=channels, num_classes=0)
        if weights not in ("", "hub"):
            self.model.load_state_dict(_read(Path(weights)), strict=False)
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


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise UserError(f"no weights file {path}: give timm:NAME@hub, timm:NAME@FILE, or timm:NAME for none")
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)
