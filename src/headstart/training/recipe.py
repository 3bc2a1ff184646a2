"""The recipe: every number a training run needs, and the rules by which they follow from the data."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from headstart.errors import UserError
from headstart.objectives.catalogue import method_class
from headstart.objectives.objective import Objective

Precision = Literal["float32", "float64", "bf16"]
Optimiser = Literal["adamw", "muon", "sgd"]
Schedule = Literal["cosine", "constant"]
_RATES = {"adamw": 1.0, "muon": 10.0}  # what suits each, as a multiple of AdamW's
_ADDED = (
    "optimiser",
    "momentum",
    "schedule",
    "frozen",
    "rates",
)  # on a card only where they are not the defaults


LARGE = 100_000  # images from which on one look at each is the default
LARGE_BATCH_CPU, LARGE_BATCH_GPU = 256, 1024


@dataclass(frozen=True)
class Recipe:
    """How long and how fast to train.

    epochs: passes over the images. batch_size: images a step, at most. learning_rate: its peak.
    weight_decay: AdamW's and Muon's, or SGD's as torch has it (added to the gradient). warmup: share of the steps in
    which the rate rises linearly; None is 0.05 before a cosine, 0 before a constant.
    accumulate: parts a batch is split in. ema: decay of the averaged weights, 0 for none. momentum: SGD's and Muon's.
    frozen: names of parts of the objective that stay as they are (``training.freezing``).
    rates: how a parameter's name begins -> factor of its learning rate, of which the longest beginning decides; None is
    the objective's own.
    """

    epochs: int
    batch_size: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warmup: float | None = None
    precision: Precision = "float32"
    accumulate: int = 1
    ema: float = 0.0
    seed: int = 0
    optimiser: Optimiser = "adamw"
    momentum: float = 0.9
    schedule: Schedule = "cosine"
    frozen: tuple[str, ...] = ()
    rates: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        """Raise UserError for a number with which nothing can be trained."""
        check_seed(self.seed)
        for name, fits, wanted in (
            ("epochs", self.epochs >= 1, "1 or more"),
            ("batch_size", self.batch_size >= 2, "2 or more"),
            ("accumulate", 1 <= self.accumulate <= self.batch_size, f"1 to the batch's size, {self.batch_size}"),
            ("learning_rate", 0 < self.learning_rate < math.inf, "a number above 0"),
            ("weight_decay", 0 <= self.weight_decay < math.inf, "0 or more"),
            ("warmup", 0 <= self.rising <= 1, "a share, 0 to 1"),
            ("ema", 0 <= self.ema < 1, "0, or a decay below 1"),
            ("optimiser", self.optimiser in get_args(Optimiser), "adamw, muon or sgd"),
            ("momentum", 0 <= self.momentum < 1, "0, or a share below 1"),
            ("schedule", self.schedule in get_args(Schedule), "cosine or constant"),
        ):
            if not fits:
                raise UserError(f"{name}={getattr(self, name)}: wanted {wanted}")

    def by(self, optimiser: Literal["adamw", "muon"] | None) -> "Recipe":
        """This recipe, of AdamW or Muon, by that one of the two: at the rate that suits it, decaying as fast."""
        if optimiser is None or optimiser == self.optimiser:
            return self
        factor = _RATES[optimiser] / _RATES[self.optimiser]
        rate, decay = self.learning_rate * factor, self.weight_decay / factor
        return self.but(optimiser=optimiser, learning_rate=rate, weight_decay=decay)

    @property
    def rising(self) -> float:
        """The share of the steps in which the rate rises."""
        return self.warmup if self.warmup is not None else 0.05 if self.schedule == "cosine" else 0.0

    def but(self, **changes: Any) -> "Recipe":
        """The same recipe with what is not None in ``changes`` changed."""
        return replace(self, **{k: v for k, v in changes.items() if v is not None})

    def card(self) -> dict[str, Any]:
        """Plain values for a card, of which the fields of ``_ADDED`` stand there where they are not the usual."""
        usual = {name: getattr(type(self), name) for name in _ADDED}
        values = {**asdict(self), "warmup": self.rising}
        values |= {"frozen": sorted(self.frozen) or ()}
        return {k: v for k, v in values.items() if k not in usual or v != usual[k]}


def check_seed(seed: int) -> None:
    """Raise UserError for a seed that some random generator does not take."""
    if not 0 <= seed < 2**32:
        raise UserError(f"seed={seed}: wanted 0 to {2**32 - 1}")


def steps_an_epoch(n: int, batch_size: int) -> int:
    """How many nearly equal batches of at most ``batch_size`` images n images make, with at least two images each."""
    return max(1, min(-(-n // batch_size), n // 2))


def default_recipe(
    method: str | type[Objective], n: int, *, runs: int = 1, seed: int = 0, device: str = "cpu"
) -> Recipe:
    """The recipe for n images: the method's looks at images in all, as epochs within bounds (docs/protocol.md).

    From the method's ``muon_from`` images on by Muon, which does with fewer looks.
    Small sets get smaller batches, so that an epoch has about eight steps where the batch is within its bounds.
    From 100,000 images on each is looked at once, in batches of 256 on a CPU and of 1,024 on a GPU.
    ``runs``: how many encoders share the looks, as in a study that trains one a split.
    """
    schedule = (method_class(method) if isinstance(method, str) else method).schedule
    muon = schedule.muon_from is not None and n >= schedule.muon_from
    looks = (schedule.muon_looks if muon else None) or schedule.looks
    epochs = max(schedule.least, min(schedule.most, round(looks / runs / max(1, n))))
    smallest, largest = schedule.batches
    batch = min(largest, max(smallest, 2 ** round(math.log2(max(1, n / 8)))))
    if n >= LARGE:
        epochs, batch = 1, LARGE_BATCH_GPU if device.startswith("cuda") else LARGE_BATCH_CPU
    rate, decay = schedule.learning_rate, schedule.weight_decay
    recipe = Recipe(epochs=epochs, batch_size=batch, learning_rate=rate, weight_decay=decay, seed=seed)
    return recipe.by("muon" if muon else "adamw")
