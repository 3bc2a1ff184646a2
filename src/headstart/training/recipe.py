"""The recipe: every number a training run needs, and the rules by which they follow from the method and the data."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeVar, get_args

from headstart.errors import UserError
from headstart.objectives.learner import Learner
from headstart.objectives.objective import Objective, Schedule
from headstart.training.method import Method

_R = TypeVar("_R", bound="Recipe")
Precision = Literal["float32", "float64", "bf16"]
Optimiser = Literal["adamw", "muon", "sgd"]
_RATES = {"adamw": 1.0, "muon": 10.0, "sgd": 1.0}  # what suits each, as a multiple of AdamW's

LARGE = 100_000  # images from which on one look at each is the default
LARGE_BATCH_CPU, LARGE_BATCH_GPU = 256, 1024


@dataclass(frozen=True)
class Recipe:
    """How long and how fast to train. What is None follows by a rule from the method and the number of images.

    epochs: passes over the images. batch_size: images a step, at most. learning_rate: its peak.
    weight_decay: AdamW's and Muon's, or SGD's as torch has it (added to the gradient).
    warmup_fraction: share of the steps in which the rate rises linearly; by the rule 0.05 before a cosine, 0 before a
    constant. accumulate: parts a batch is split in. ema: decay of the averaged weights, 0 for none.
    momentum: SGD's and Muon's. schedule: of the rate. frozen: names of parts of the objective that stay as they are
    (``training.freezing``). rates: how a parameter's name begins -> factor of its learning rate, of which the longest
    beginning decides; None is the objective's own. keep: which encoder ``pretrain`` gives: the one after the last step,
    or that of the look at which most images' other views were found (docs/training.md).
    """

    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    warmup_fraction: float | None = None
    precision: Precision = "float32"
    accumulate: int = 1
    ema: float = 0.0
    seed: int = 0
    optimiser: Optimiser | None = None
    momentum: float = 0.9
    schedule: Literal["cosine", "constant"] = "cosine"
    frozen: tuple[str, ...] = ()
    rates: Mapping[str, float] | None = None
    keep: Literal["last", "best"] = "last"

    def __post_init__(self) -> None:
        """Raise UserError for a number with which nothing can be trained."""
        check_seed(self.seed)
        size = math.inf if self.batch_size is None else self.batch_size
        for name, fits, wanted in (
            ("epochs", self.epochs is None or self.epochs >= 1, "1 or more"),
            ("batch_size", size >= 2, "2 or more"),
            ("accumulate", 1 <= self.accumulate <= size, f"1 to the batch's size, {size:g}"),
            ("learning_rate", self.learning_rate is None or 0 < self.learning_rate < math.inf, "a number above 0"),
            ("weight_decay", self.weight_decay is None or 0 <= self.weight_decay < math.inf, "0 or more"),
            ("warmup_fraction", self.warmup_fraction is None or 0 <= self.warmup_fraction <= 1, "a share, 0 to 1"),
            ("ema", 0 <= self.ema < 1, "0, or a decay below 1"),
            ("optimiser", self.optimiser in (None, *get_args(Optimiser)), "adamw, muon or sgd"),
            ("momentum", 0 <= self.momentum < 1, "0, or a share below 1"),
            ("schedule", self.schedule in ("cosine", "constant"), "cosine or constant"),
            ("keep", self.keep in ("last", "best"), "last or best"),
        ):
            if not fits:
                raise UserError(f"{name}={getattr(self, name)}: wanted {wanted}")

    def replace(self: _R, **changes: Any) -> _R:
        """The same recipe with some fields changed."""
        return replace(self, **changes)

    def resolve(
        self, method: Method | type[Objective] | type[Learner] | str, n: int, *, runs: int = 1, device: str = "cpu"
    ) -> "ResolvedRecipe":
        """This recipe with what it leaves open decided for n images: the method's looks at images in all, as epochs.

        From the method's ``muon_from`` images on by Muon, which does with fewer looks; rate and decay are those that
        suit the optimiser. Small sets get smaller batches, so that an epoch has about eight steps where the batch is
        within its bounds. From 100,000 images on each is looked at once, in batches of 256 on a CPU and of 1,024 on a
        GPU (docs/protocol.md).

        Args:
            method: What is trained. n: How many images.
            runs: How many encoders share the looks, as in a study that trains one a split.
            device: Where to compute.
        """
        objective = Method.of(method).objective
        schedule = objective.schedule if issubclass(objective, Objective) else Schedule(1, 1, 1)
        muon = schedule.muon_from is not None and n >= schedule.muon_from
        samples = (schedule.muon_samples_seen if muon else None) or schedule.samples_seen
        epochs = max(schedule.min_epochs, min(schedule.max_epochs, round(samples / runs / max(1, n))))
        smallest, largest = schedule.batches
        batch = min(largest, max(smallest, 2 ** round(math.log2(max(1, n / 8)))))
        if n >= LARGE:
            epochs, batch = 1, LARGE_BATCH_GPU if device.startswith("cuda") else LARGE_BATCH_CPU
        optimiser = self.optimiser or ("muon" if muon else "adamw")
        rule = {
            "epochs": epochs,
            "batch_size": batch,
            "learning_rate": schedule.learning_rate * _RATES[optimiser],
            "weight_decay": schedule.weight_decay / _RATES[optimiser],
            "warmup_fraction": 0.05 if self.schedule == "cosine" else 0.0,
            "optimiser": optimiser,
        }
        given = {one.name: getattr(self, one.name) for one in fields(self)}
        return ResolvedRecipe(**{**rule, **{k: v for k, v in given.items() if v is not None or k not in rule}})


@dataclass(frozen=True, kw_only=True)
class ResolvedRecipe(Recipe):
    """A recipe that leaves nothing open: what a training follows, a checkpoint compares and a card holds."""

    epochs: int = field()
    batch_size: int = field()
    learning_rate: float = field()
    weight_decay: float = field()
    warmup_fraction: float = field()
    optimiser: Optimiser = field()

    def resolve(
        self, method: Method | type[Objective] | type[Learner] | str, n: int, *, runs: int = 1, device: str = "cpu"
    ) -> "ResolvedRecipe":
        """This recipe, whatever is trained."""
        return self

    def differing(self, other: "ResolvedRecipe") -> list[str]:
        """Names of the fields in which two recipes differ, whatever the order of what is frozen."""
        mine, theirs = (one.replace(frozen=tuple(sorted(one.frozen))) for one in (self, other))
        return sorted(f.name for f in fields(self) if getattr(mine, f.name) != getattr(theirs, f.name))


def check_seed(seed: int) -> None:
    """Raise UserError for a seed that some random generator does not take."""
    if not 0 <= seed < 2**32:
        raise UserError(f"seed={seed}: wanted 0 to {2**32 - 1}")


def steps_an_epoch(n: int, batch_size: int) -> int:
    """How many nearly equal batches of at most ``batch_size`` images n images make, with at least two images each."""
    return max(1, min(-(-n // batch_size), n // 2))
