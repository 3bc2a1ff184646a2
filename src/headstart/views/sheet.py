"""A contact sheet: each image beside some of its views, to look at before training on them."""

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
