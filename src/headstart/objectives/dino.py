"""DINO: agree with a slowly moving teacher on which of many learned groups the other view belongs to.

Caron, Touvron, Misra, Jégou, Mairal, Bojanowski, Joulin. Emerging properties in self-supervised vision transformers.
ICCV 2021, arXiv 2104.14294 (equations 1 to 4, algorithm 1).

    s1, s2 = g(f(v1)), g(f(v2))                              # (n, k), scores of k groups
    t1, t2 = g'(f'(v1)), g'(f'(v2))                          # the teacher's, no gradient
    loss = H(softmax((t1 − c) / τ_t), softmax(s2 / τ_s)) / 2 + the same with 1 and 2 exchanged
    f', g' ← m (f', g') + (1 − m) (f, g);  c ← m_c c + (1 − m_c) mean(t)

Differs from the paper: two views of the whole image, without small crops; a projector of one hidden layer of 256 with
batch-norm, not three of 2,048; 256 groups, not 65,536, trained from the first step; one teacher temperature; a starting
momentum of 0.99; the loop's schedule.
"""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from headstart.encoders.encoder import Encoder
from headstart.encoders.projector import perceptron
from headstart.encoders.teacher import Teacher, rising
from headstart.objectives.objective import Batch, Objective, Schedule, Terms, full


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

    student_temperature, teacher_temperature: τ_s and τ_t. momentum: m at the start. center_momentum: m_c.
    groups: k. hidden, width: the layers between h and the groups.
    """

    n_views: ClassVar[int] = 2
    coupled: ClassVar[bool] = True
    schedule: ClassVar[Schedule] = Schedule(300_000, 10, 450)
    center: Tensor

    def __init__(
        self, encoder: Encoder, *, student_temperature: float = 0.1, teacher_temperature: float = 0.04,
        momentum: float = 0.99, center_momentum: float = 0.9, groups: int = 256, hidden: int = 256, width: int = 64,
    ) -> None:  # fmt: skip
        super().__init__()
        self.encoder = encoder
        self.projector = Groups(encoder.dim, hidden, width, groups)
        self.teacher = Teacher(encoder, self.projector)
        self.temperatures = {"student_temperature": student_temperature, "teacher_temperature": teacher_temperature}
        self.momentum, self.center_momentum = momentum, center_momentum
        self.register_buffer("center", torch.zeros(groups))
        self.new_mean = torch.zeros(groups)

    def forward(self, batch: Batch) -> Terms:
        """``distillation``: equation 3 over both ordered pairs of views, halved."""
        x = torch.cat(batch.views)
        t, s = self.teacher(x), self.projector(self.encoder(x))
        (t1, t2), (s1, s2) = (tuple(map(self.gather, scores.chunk(2))) for scores in (t, s))
        self.new_mean = (t1.mean(0) + t2.mean(0)) / 2
        pairs = (cross_entropy(a, b, self.center, **self.temperatures) for a, b in ((s2, t1), (s1, t2)))
        return {"distillation": torch.stack(list(pairs)).mean()}

    @torch.no_grad()
    def after_step(self, progress: float) -> None:
        """The teacher and the centre follow (equation 4)."""
        self.teacher.follow(self.encoder, self.projector, momentum=rising(self.momentum, progress))
        self.center.lerp_(self.new_mean.to(self.center), 1 - self.center_momentum)
