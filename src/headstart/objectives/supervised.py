"""Supervised: the labels themselves, the yardstick of everything else.

Bishop. Pattern Recognition and Machine Learning. 2006 (section 4.3.4: softmax and cross-entropy).

    p = softmax(W f(v) + b)                           # (n, k), v one random view of x
    loss = mean over the labelled images of −log p[y]

Differs from the source: images without a label are left out of the mean.
"""

from typing import ClassVar

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from headstart.encoders.encoder import Encoder
from headstart.objectives.objective import Batch, Objective, Schedule, Terms


def cross_entropy(logits: Float[Tensor, "n k"], y: Int[Tensor, " n"]) -> Float[Tensor, ""]:
    """Mean −log softmax(logits)[y] over the labelled rows, in nats; log k for equal logits, 0 if none is labelled."""
    labelled = (y >= 0).sum().clamp(min=1)
    return functional.cross_entropy(logits, y, ignore_index=-1, reduction="sum") / labelled


class Supervised(Objective):
    """A linear classifier of ``classes`` classes on h, trained together with the encoder."""

    n_views: ClassVar[int] = 1
    supervised: ClassVar[bool] = True
    # As many looks at few labels as at many: it is steps that a network from random weights lacks.
    schedule: ClassVar[Schedule] = Schedule(10_000, 5, 700, learning_rate=1e-3, batches=(16, 32))

    def __init__(self, encoder: Encoder, *, classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head: nn.Module = nn.Linear(encoder.dim, classes)

    def forward(self, batch: Batch) -> Terms:
        """``cross_entropy`` of one view."""
        logits = self.head(self.encoder(batch.views[0]))
        return {"cross_entropy": cross_entropy(self.gather(logits), self.gather(batch.y))}
