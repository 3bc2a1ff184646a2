"""DINO: agree with a slowly moving teacher on which of many learned groups the other view belongs to.

Caron, Touvron, Misra, Jégou, Mairal, Bojanowski, Joulin. Emerging properties in self-supervised vision transformers.
ICCV 2021, arXiv 2104.14294 (equations 1 to 4, algorithm 1). Version 2: Oquab et al. DINOv2. arXiv 2304.07193
(section 4), whose centre follows Caron et al. arXiv 2006.09882, and whose spread Sablayrolles et al. arXiv 1806.03198.

    s1, s2 = g(f(v1)), g(f(v2))                              # (n, k), scores of k groups
    t1, t2 = g'(f'(v1)), g'(f'(v2))                          # the teacher's, no gradient
    loss = H(softmax((t1 − c) / τ_t), softmax(s2 / τ_s)) / 2 + the same with 1 and 2 exchanged
    f', g' ← m (f', g') + (1 − m) (f, g)
    version 1: c ← m_c c + (1 − m_c) mean(t)
    version 2: c fills all groups alike with t1 and t2 (Sinkhorn);  loss + λ koleo(f(v)), the mean of both views

Differs from the papers: two views of the whole image, without small crops, from one distribution, not from BYOL's two;
a projector of one hidden layer of 256 with batch-norm, not three layers with GELU, and a bottleneck of 64, not 256; 256
groups, not 65,536 (131,072 in version 2), trained from the first step; one teacher temperature; a starting momentum of
0.9, as a run on a small set has a thousand steps; Muon, not AdamW with a rising weight decay; batches of at most 64
images, not 1,024. Of version 2: no hidden patches; koleo over both views and all processes, not over the first view on
each GPU.
"""

from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from headstart.encoders.encoder import Encoder
from headstart.encoders.projector import perceptron
from headstart.encoders.teacher import Teacher, rising
from headstart.objectives.objective import Batch, Objective, Schedule, Terms, full
from headstart.objectives.ranges import at_least_one, below_one, not_negative, positive

_LEAST_DISTANCE, _CENTER_MOMENTUM = 1e-8, 0.9


@full
def cross_entropy(
    student: Float[Tensor, "n k"],
    teacher: Float[Tensor, "n k"],
    center: Float[Tensor, " k"],
    *,
    student_temperature: float,
    teacher_temperature: float,
) -> Float[Tensor, ""]:
    """Equation 3 for one pair of views, averaged over n, in nats; log k where the student's scores are equal."""
    wanted = ((teacher - center) / teacher_temperature).softmax(1)
    return -(wanted * (student / student_temperature).log_softmax(1)).sum(1).mean()


@torch.no_grad()
def balanced_center(teacher: Float[Tensor, "n k"], *, temperature: float, rounds: int = 3) -> Float[Tensor, " k"]:
    """The centre c with which softmax((teacher − c) / temperature) fills all groups alike, the more the more rounds.

    Each is one of Sinkhorn and Knopp's on exp(teacher / temperature) (arXiv 2006.09882, equation 3): first the sums of
    the groups are made equal, then those of the rows, which the softmax does after the last.
    """
    scores = teacher / temperature
    group, row = scores.new_zeros(scores.shape[1]), scores.new_zeros(len(scores), 1)  # logs of what each is divided by
    for _ in range(rounds):
        group = (scores - row).logsumexp(0)
        row = (scores - group).logsumexp(1, keepdim=True)
    return temperature * (group - group.mean())


@full
def koleo(h: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """Mean −log of each row's distance to the nearest other one; normalises h; the lower, the more even the spread.

    Kozachenko and Leonenko's estimate of the entropy, up to constants (arXiv 1806.03198, equation 2).
    """
    h = functional.normalize(h, dim=1)
    with torch.no_grad():
        nearest = (h @ h.T).fill_diagonal_(-2.0).argmax(1)
    return -((h - h[nearest]).norm(dim=1) + _LEAST_DISTANCE).log().mean()


class Groups(nn.Module):
    """Scores of ``groups`` groups: dense layers, a unit vector, and its cosine with a unit vector for each group."""

    def __init__(self, dim: int, hidden: int, width: int, groups: int) -> None:
        super().__init__()
        self.body = perceptron(dim, hidden, width)
        self.directions = nn.Parameter(torch.randn(groups, width))

    def forward(self, h: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        """Cosines, in [−1, 1]."""
        return functional.normalize(self.body(h), dim=1) @ functional.normalize(self.directions, dim=1).T


class DINO(Objective):
    """Distil the teacher's groups.

    version: 1 or 2. student_temperature, teacher_temperature: τ_s and τ_t. momentum: m at the start. spread: λ, of
    version 2. groups: k. hidden, width: the layers between h and the groups. m_c, of version 1, is the paper's 0.9.
    """

    n_views: ClassVar[int] = 2
    coupled: ClassVar[bool] = True
    schedule: ClassVar[Schedule] = Schedule(100_000, 10, 100, muon_from=0)
    center: Tensor

    def __init__(
        self, encoder: Encoder, *, version: Literal[1, 2] = 2, student_temperature: float = 0.1,
        teacher_temperature: float = 0.04, momentum: float = 0.9, spread: float = 0.1, groups: int = 256,
        hidden: int = 256, width: int = 64,
    ) -> None:  # fmt: skip
        super().__init__()
        positive(student_temperature=student_temperature, teacher_temperature=teacher_temperature)
        below_one(momentum=momentum)
        not_negative(spread=spread)
        at_least_one(groups=groups, hidden=hidden, width=width)
        self.encoder = encoder
        self.projector = Groups(encoder.dim, hidden, width, groups)
        self.teacher = Teacher(encoder, self.projector)
        self.temperatures = {"student_temperature": student_temperature, "teacher_temperature": teacher_temperature}
        self.version, self.momentum, self.spread = version, momentum, spread
        self.register_buffer("center", torch.zeros(groups))
        self.new_mean = torch.zeros(groups)

    def forward(self, batch: Batch) -> Terms:
        """``distillation``: equation 3 over both ordered pairs of views, halved; in version 2 ``spread``, weighted."""
        x = torch.cat(batch.views)
        h = self.encoder(x)
        t, s = self.teacher(x), self.projector(h)
        (t1, t2), (s1, s2) = (tuple(map(self.gather, scores.chunk(2))) for scores in (t, s))
        self.new_mean = (t1.mean(0) + t2.mean(0)) / 2
        center, spread = self.center, {}
        if self.version == 2:
            center = balanced_center(torch.cat((t1, t2)), temperature=self.temperatures["teacher_temperature"])
            spread = {"spread": self.spread * torch.stack([koleo(self.gather(z)) for z in h.chunk(2)]).mean()}
        pairs = (cross_entropy(a, b, center, **self.temperatures) for a, b in ((s2, t1), (s1, t2)))
        return {"distillation": torch.stack(list(pairs)).mean(), **spread}

    @torch.no_grad()
    def after_step(self, progress: float) -> None:
        """The teacher and the centre follow (equation 4)."""
        self.teacher.follow(self.encoder, self.projector, momentum=rising(self.momentum, progress))
        self.center.lerp_(self.new_mean.to(self.center), 1 - _CENTER_MOMENTUM)
