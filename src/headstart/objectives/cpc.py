"""CPC: from the upper windows of an image, tell which window of the batch lies below.

Hénaff, Srinivas, De Fauw, Razavi, Doersch, Eslami, van den Oord. Data-efficient image recognition with contrastive
predictive coding. ICML 2020, arXiv 1905.09272 (section 2.1, equation 1); version 1: van den Oord, Li, Vinyals,
arXiv 1807.03748 (section 3.2).

    z = f(windows)                                           # (n, d, i, j), windows overlap by half
    c = context of the rows above and this one               # (n, d, i, j), masked convolutions
    p_k = W_k c[row]                                         # predicts z[row + k]
    loss = mean over rows and k ≥ 2 of −log softmax(p_k · z)[its own window], among all images' windows of that row

Differs from the paper: the negatives are the windows of the same row in all images of the batch, not a sample of all
rows; windows of a fourth of the image's side and a small network; three masked convolutions as context; h is 2,304
numbers, 128 of either sign in each of 3 by 3 parts of the image (``encoders.patches``), not the mean over all windows,
which makes much of what CPC scores (untrained on MNIST 0.77 by parts, 0.50 by the mean: benchmarks/RESULTS.md). Version
2, the default: four directions and a change of light and place for every window; version 1: downwards only, no such
change. Both look at the loop's view of the image, and both normalise each place.
"""

from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from headstart.encoders.encoder import Encoder
from headstart.encoders.patches import PatchEncoder
from headstart.errors import UserError
from headstart.objectives.objective import MANY, Batch, Objective, Schedule, Terms, full
from headstart.objectives.ranges import at_least_one, positive
from headstart.views.random import image_keys
from headstart.views.views import Views

_WINDOW_VIEWS = Views(brightness=(0.7, 1.3), contrast=(0.7, 1.3), translation=(-0.1, 0.1), noise=(0.0, 0.05))


@full
def info_nce(
    predictions: Float[Tensor, "n d"], targets: Float[Tensor, "n d"], *, temperature: float = 1.0
) -> Float[Tensor, ""]:
    """Equation 1: mean −log softmax(predictions targetsᵀ / temperature)[row, row], in nats. Takes both raw."""
    similarity = predictions @ targets.T / temperature
    return functional.cross_entropy(similarity, torch.arange(len(targets), device=targets.device))


class Context(nn.Module):
    """What is known from a row and those above: convolutions of two rows by three columns, blind to what is below."""

    def __init__(self, dim: int, width: int, *, layers: int = 3) -> None:
        super().__init__()
        self.enter = nn.Conv2d(dim, width, 1)
        self.layers = nn.ModuleList(nn.Conv2d(width, width, (2, 3)) for _ in range(layers))

    def forward(self, z: Float[Tensor, "n d i j"]) -> Float[Tensor, "n w i j"]:
        """(n, width, i, j), each row of the rows down to it only."""
        z = self.enter(z)
        for layer in self.layers:
            z = z + layer(functional.pad(_rowwise(z).relu(), (1, 1, 1, 0)))
        return z


def _rowwise(z: Float[Tensor, "n d i j"]) -> Float[Tensor, "n d i j"]:
    """Layer norm of each place, so that no row learns of another through a mean."""
    return functional.layer_norm(z.movedim(1, 3), z.shape[1:2]).movedim(3, 1)


class CPC(Objective):
    """Predict the windows below.

    version: 1 or 2. nearest, ahead: k at least, as nearer windows share pixels, and at most. temperature: divides the
    similarities. width: the context's.
    """

    n_views: ClassVar[int] = 1
    coupled: ClassVar[bool] = True
    default_encoder: ClassVar[str] = "patches"
    schedule: ClassVar[Schedule] = Schedule(40_000, 4, 80, muon_from=MANY)

    def __init__(
        self, encoder: Encoder, *, version: Literal[1, 2] = 2, nearest: int = 2, ahead: int = 3,
        temperature: float = 1.0, width: int = 64,
    ) -> None:  # fmt: skip
        super().__init__()
        at_least_one(nearest=nearest, ahead=ahead, width=width)
        positive(temperature=temperature)
        if not isinstance(encoder, PatchEncoder):
            raise UserError("cpc wants an encoder that looks through windows: choose --encoder patches")
        self.encoder: PatchEncoder = encoder  # pyright: ignore[reportIncompatibleVariableOverride]
        last = min(encoder.map_shape[1:]) - 1
        if nearest > min(ahead, last):
            raise UserError(f"cpc was given nearest={nearest}: wanted at most ahead={ahead} and {last} rows of windows")
        self.offsets = range(nearest, ahead + 1)
        turns, dim = 4 if version == 2 else 1, encoder.map_shape[0]
        self.contexts = nn.ModuleList(Context(dim, width) for _ in range(turns))
        self.steps = nn.ModuleList(nn.Linear(width, dim * len(self.offsets), bias=False) for _ in range(turns))
        self.version, self.temperature = version, temperature

    def forward(self, batch: Batch) -> Terms:
        """``prediction``: equation 1, the mean over directions, rows and k."""
        windows = self.encoder.windows(batch.views[0])
        if self.version == 2:
            windows = _WINDOW_VIEWS(
                windows, self._keys(batch.keys, self.encoder.map_shape[1] * self.encoder.map_shape[2])
            )
        z = self.encoder.grid(windows)
        losses = []
        for turn, (context, steps) in enumerate(zip(self.contexts, self.steps, strict=True)):
            losses += self._below(torch.rot90(z, turn, (2, 3)), context, steps)
        return {"prediction": torch.stack(losses).mean()}

    def _below(self, z: Float[Tensor, "n d i j"], context: nn.Module, steps: nn.Module) -> list[Tensor]:
        known, wanted = steps(context(z).permute(0, 2, 3, 1)), z.permute(0, 2, 3, 1)  # (n, i, j, …)
        known, wanted = (self.gather(part).transpose(0, 1).flatten(1, 2) for part in (known, wanted))  # (i, n j, …)
        predicted = known.unflatten(2, (len(self.offsets), -1)).unbind(2)
        return [
            info_nce(p[row], wanted[row + k], temperature=self.temperature)
            for k, p in zip(self.offsets, predicted, strict=True)
            for row in range(len(wanted) - k)
        ]

    @staticmethod
    def _keys(keys: Int[Tensor, " n"], windows: int) -> Int[Tensor, " m"]:
        numbers = image_keys(torch.arange(windows, device=keys.device), seed=0, epoch=0, stream=104)
        return (keys[:, None] ^ numbers).flatten()
