"""A contact sheet: each image beside some of its views, to look at before training on them."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from headstart.views.random import image_keys
from headstart.views.views import Views


def contact_sheet(
    views: Views, x: Float[Tensor, "n c h w"], *, columns: int = 7, seed: int = 0
) -> Float[np.ndarray, "n k h w c"]:
    """(n, 1 + columns, h, w, c) in [0, 1]: the image itself, then ``columns`` views of it."""
    index = torch.arange(len(x), device=x.device)
    drawn = [views(x, image_keys(index, seed=seed, epoch=0, stream=column)) for column in range(columns)]
    return torch.stack([x, *drawn], dim=1).permute(0, 1, 3, 4, 2).cpu().numpy()


def write_sheet(path: Path, sheet: Float[np.ndarray, "n k h w c"], *, scale: int = 2) -> None:
    """The sheet as a picture, an image a row, each pixel ``scale`` wide; of two or many channels the first is shown."""
    from PIL import Image

    coloured = sheet if sheet.shape[-1] == 3 else np.repeat(sheet[..., :1], 3, axis=-1)
    n, k, h, w, _ = coloured.shape
    page = coloured.transpose(0, 2, 1, 3, 4).reshape(n * h, k * w, 3)
    big = page.repeat(scale, axis=0).repeat(scale, axis=1)
    Image.fromarray((big * 255).round().astype(np.uint8)).save(path)
