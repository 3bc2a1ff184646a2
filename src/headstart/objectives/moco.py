"""MoCo: find the other view, seen by a slowly moving teacher, among a queue of what it saw before.

He, Fan, Wu, Xie, Girshick. Momentum contrast for unsupervised visual representation learning. CVPR 2020,
arXiv 1911.05722 (equations 1 and 2, algorithm 1). Version 2: Chen, Fan, Girshick, He. arXiv 2003.04297.

    q = normalise(g(f(v1)))                                  # (n, d)
    k = normalise(g'(f'(v2)))                                # (n, d), the teacher's, no gradient
    loss = mean of −log softmax([q·k, q·queue] / τ)[0]       # queue (m, d): the last m keys
    f', g' ← m (f', g') + (1 − m) (f, g);  queue ← k

Differs from the paper: where its keys are shuffled between processes, each with batch-norm statistics of its own, here
the batch of keys is normalised in ``groups`` parts, each image's part given by its random key, so that the number of
processes does not matter; keys of the query's own image, of which a small set leaves some in the queue, are no
negatives of it; both views are queries in turn, normalised together over the whole batch, not each process's queries of
one view apart; batch-norm also between the dense layers, where the authors have none; AdamW or Muon, not SGD; batches
of at most 64 images, not 256, a queue of 1,024, not 65,536, and a momentum of 0.99, not 0.999. Version 1 has one dense
layer behind h, version 2 two (256 wide, not 2,048); blur is the views', a cosine schedule the loop's in both.
"""

from typing import ClassVar, Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from headstart.encoders.encoder import Encoder
from headstart.encoders.projector import perceptron
from headstart.encoders.teacher import Teacher
from headstart.objectives.objective import Batch, Objective, Schedule, Terms, full
from headstart.objectives.ranges import at_least_one, below_one, positive


@full
def info_nce(
    q: Float[Tensor, "n d"], k: Float[Tensor, "n d"], queue: Float[Tensor, "m d"], *,
    temperature: float, own: Bool[Tensor, "n m"] | None = None,
) -> Float[Tensor, ""]:  # fmt: skip
    """Equation 1 averaged over the queries, in nats; log(m + 1) for equal similarities. Normalises all three.

    own: rows of the queue that are of the query's own image, and no negatives of it.
    """
    q, k, queue = (functional.normalize(z, dim=1) for z in (q, k, queue))
    others = q @ queue.T
    if own is not None:
        others = others.masked_fill(own, float("-inf"))
    similarity = torch.cat([(q * k).sum(1, keepdim=True), others], dim=1) / temperature
    return functional.cross_entropy(similarity, torch.zeros(len(q), dtype=torch.int64, device=q.device))


class MoCo(Objective):
    """Contrast with a queue of keys.

    version: 1 or 2. temperature: τ, in the paper's version 1 0.07. momentum: m. queue: its length.
    groups: parts of the batch of keys that are normalised apart. hidden, width: the projector's layers.
    """

    n_views: ClassVar[int] = 2
    coupled: ClassVar[bool] = True
    schedule: ClassVar[Schedule] = Schedule(100_000, 10, 250, muon_from=0)
    queue: Tensor
    owners: Tensor

    def __init__(
        self, encoder: Encoder, *, version: Literal[1, 2] = 2, temperature: float = 0.2, momentum: float = 0.99,
        queue: int = 1024, groups: int = 4, hidden: int = 256, width: int = 128,
    ) -> None:  # fmt: skip
        super().__init__()
        positive(temperature=temperature)
        below_one(momentum=momentum)
        at_least_one(queue=queue, groups=groups, hidden=hidden, width=width)
        self.encoder = encoder
        self.projector = perceptron(encoder.dim, *([hidden] if version == 2 else []), width)
        self.teacher = Teacher(encoder, self.projector)
        self.temperature, self.momentum, self.groups = temperature, momentum, groups
        self.register_buffer("queue", functional.normalize(torch.randn(queue, width), dim=1))
        self.register_buffer("owners", torch.full((queue,), -1))
        self.newest = self.queue[:0], self.owners[:0]

    def forward(self, batch: Batch) -> Terms:
        """``contrast``: equation 1, the mean of both directions."""
        q1, q2 = map(self.gather, self.projector(self.encoder(torch.cat(batch.views))).chunk(2))
        k1, k2 = (self._keys(self.gather(view), self.gather(batch.keys)) for view in batch.views)
        index = self.gather(batch.index)
        self.newest = torch.cat((k1, k2)), torch.cat((index, index))
        own, t = index[:, None] == self.owners, self.temperature
        first, second = (info_nce(q, k, self.queue, temperature=t, own=own) for q, k in ((q1, k2), (q2, k1)))
        return {"contrast": (first + second) / 2}

    def _keys(self, view: Float[Tensor, "n c h w"], keys: Tensor) -> Float[Tensor, "n d"]:
        """The teacher's z, normalised by parts of the batch that each image's random key decides."""
        order = keys.argsort()
        parts = order.tensor_split(min(self.groups, max(1, len(order) // 2)))
        z = torch.cat([self.teacher(view[part]) for part in parts])
        return functional.normalize(torch.empty_like(z).index_copy_(0, order, z), dim=1)

    @torch.no_grad()
    def after_step(self, progress: float) -> None:
        """The teacher follows, and the queue takes the new keys in place of the oldest."""
        self.teacher.follow(self.encoder, self.projector, momentum=self.momentum)
        for old, new in zip((self.queue, self.owners), self.newest, strict=True):
            old.copy_(torch.cat((new.to(old), old))[: len(old)])
