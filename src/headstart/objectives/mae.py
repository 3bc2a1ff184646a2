"""MAE: paint the three quarters of an image that the encoder never saw.

He, Chen, Xie, Li, Dollár, Girshick. Masked autoencoders are scalable vision learners. CVPR 2022, arXiv 2111.06377
(section 3).

    patches = v in squares;  kept = a random quarter         # (n, t, p), (n, s)
    z = f(patches[kept])                                     # (n, s, d)
    p = decoder(z in their places, one learned token in all others)
    loss = mean over the hidden patches of (p − patch, standardised by its own mean and deviation)²

Differs from the paper: a small transformer of 128 and four layers, a decoder of 64 and two; learned places, not sines;
no class token; a patch is standardised by its biased variance, in the authors' code by the unbiased one; batches of at
most 64 images, not 4,096; the mask is keyed by image; the loop's views in place of crops.
"""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headstart.encoders.encoder import Encoder
from headstart.encoders.transformer import VisionTransformer, blocks
from headstart.errors import UserError
from headstart.objectives.objective import Batch, Objective, Schedule, Terms, full
from headstart.objectives.ranges import at_least_one, below_one
from headstart.views.random import uniform


@full
def hidden_error(
    p: Float[Tensor, "n t p"], patches: Float[Tensor, "n t p"], hidden: Float[Tensor, "n t"]
) -> Float[Tensor, ""]:
    """Mean squared error on the hidden patches (hidden: 1, kept: 0), each standardised.

    A prediction of 0 costs 1, on patches that are all flat 0.
    """
    wanted = (patches - patches.mean(2, keepdim=True)) * (patches.var(2, keepdim=True, correction=0) + 1e-6).rsqrt()
    return ((p - wanted).square().mean(2) * hidden).sum() / hidden.sum()


class MAE(Objective):
    """Paint what is hidden. ``masking``: the share of patches hidden; ``width`` and ``depth``: the decoder's."""

    n_views: ClassVar[int] = 1
    default_encoder: ClassVar[str] = "transformer"
    schedule: ClassVar[Schedule] = Schedule(200_000, 10, 180)

    def __init__(self, encoder: Encoder, *, masking: float = 0.75, width: int = 64, depth: int = 2) -> None:
        super().__init__()
        below_one(masking=masking)
        at_least_one(width=width, depth=depth)
        if not isinstance(encoder, VisionTransformer):
            raise UserError("mae hides patches from an encoder made for it: choose --encoder transformer")
        self.encoder: VisionTransformer = encoder  # pyright: ignore[reportIncompatibleVariableOverride]
        places = encoder.grid[0] * encoder.grid[1]
        self.kept = min(max(1, round(places * (1 - masking))), places - 1)
        self.enter = nn.Linear(encoder.dim, width)
        self.unseen = nn.Parameter(0.02 * torch.randn(width))
        self.place = nn.Parameter(0.02 * torch.randn(places, width))
        self.body = blocks(width, depth)
        self.paint = nn.Linear(width, encoder.look.in_features)

    def forward(self, batch: Batch) -> Terms:
        """``painting``: the error on the hidden patches."""
        patches = self.encoder.patches(batch.views[0])
        n, places = patches.shape[:2]
        kept = uniform(batch.keys, places, stream=103).argsort(1)[:, : self.kept]
        z = self.enter(self.encoder.tokens(patches, kept))
        rows = kept[:, :, None].expand(-1, -1, z.shape[2])
        tokens = self.unseen.to(z.dtype).expand(n, places, -1).scatter(1, rows, z)
        hidden = torch.ones(n, places, dtype=patches.dtype, device=patches.device).scatter(1, kept, 0.0)
        painted = self.paint(self.body(tokens + self.place))
        return {"painting": hidden_error(*map(self.gather, (painted, patches, hidden)))}
