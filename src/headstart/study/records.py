"""Records: what a study was asked for, what it plans, and what it found, as plan.json and results.json hold them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from headstart.data.pixels import Pixels
from headstart.evaluation.budgets import Budget
from headstart.evaluation.splits import Split
from headstart.evaluation.statistics import Comparison, Score, check_metric
from headstart.evaluation.uncertainty import check_encoders
from headstart.study.approaches import Kind
from headstart.training.recipe import check_seed

Seen = Literal["unlabelled", "training", "all"]


@dataclass(frozen=True)
class Protocol:
    """How approaches are compared, the same way for all; what is None follows by a rule (docs/protocol.md).

    budgets: labels a class joined by commas, and "all". saw: what encoders may see without labels.
    metric: a scikit-learn metric name for predictions. folds: folds a repeat, at least 4. repeats: how often they are
    drawn anew. seed: of splits, views and networks. encoders: encoders of every method, from other seeds, each put to
    every split: one, or at least four. ordered_classes: report the quadratic kappa too.
    """

    budgets: str | None = None
    saw: Seen | None = None
    metric: str = "balanced_accuracy"
    folds: int | None = None
    repeats: int | None = None
    seed: int = 0
    encoders: int = 1
    ordered_classes: bool = False

    def __post_init__(self) -> None:
        """Raise UserError for a metric that there is not, two or three encoders, or a seed out of range."""
        check_metric(self.metric)
        check_encoders(self.encoders)
        check_seed(self.seed)


@dataclass(frozen=True)
class StudyRequest:
    """What was asked for: the arguments of ``run_study``, None where a rule decides, and the data's hash.

    approaches: their names; named: whether the user gave them. time_budget: in seconds.
    """

    approaches: tuple[str, ...]
    named: bool
    protocol: Protocol
    time_budget: float | None
    encoder: str | None
    views: str | None
    image_size: int | None
    data_hash: str

    def differing(self, other: "StudyRequest") -> list[str]:
        """Names of the options in which two requests differ, those of the protocol among them."""
        return sorted(_differing(self, other) - {"protocol"} | _differing(self.protocol, other.protocol))


def _differing(one: Any, other: Any) -> set[str]:
    return {f.name for f in fields(one) if getattr(one, f.name) != getattr(other, f.name)}


@dataclass(frozen=True)
class Speed:
    """Seconds that one thread needs: to train on one image once, by method or ``network``; and to embed an image."""

    train: Mapping[str, float]
    embed: float


@dataclass(frozen=True)
class StudyPlan:
    """What every task reads, with what the request left open decided.

    source: the data set's name. saw: what encoders may see. encoder: the one asked for, or None for each method's own.
    encoders: how many of each method. approaches: names, with every yardstick. splits: of the labelled rows.
    pixels: how stored images are prepared.
    share: of every default's epochs. speed: as measured when the plan was made. left_out: what gave way to the time.
    """

    request: StudyRequest
    source: str
    class_names: tuple[str, ...]
    seed: int
    metric: str
    saw: Seen
    device: str
    encoder: str | None
    encoders: int
    views: str
    folds: int
    repeats: int
    approaches: tuple[str, ...]
    budgets: tuple[Budget, ...]
    share: float
    speed: Speed
    left_out: tuple[str, ...]
    splits: tuple[Split, ...]
    pixels: Pixels


@dataclass(frozen=True)
class ApproachRecord:
    """An approach: what its encoder was shown, its score at every budget that was finished, and its wall time."""

    name: str
    kind: Kind
    saw: Literal["unlabelled", "training", "all", "none"]
    scores: Mapping[str, Score]
    seconds: float


@dataclass(frozen=True)
class Chosen:
    """What the training side preferred at a budget: of all approaches, and of the baselines."""

    named: str
    baseline: str


@dataclass(frozen=True)
class StudyRecord:
    """The content of results.json (docs/protocol.md). Budgets are labels a class as text, or "all"."""

    answer: str
    source: str
    data_hash: str
    n_labelled: int
    n_unlabelled: int
    class_names: tuple[str, ...]
    seed: int
    metric: str
    split_hash: str
    folds: int
    repeats: int
    saw: Seen
    encoders: int
    views: str
    winner: str
    approaches: tuple[ApproachRecord, ...]
    comparisons: tuple[Comparison, ...]
    chosen: Mapping[str, Chosen]
    request: StudyRequest
    left_out: tuple[str, ...]

    @property
    def budgets(self) -> list[str]:
        """The budgets that any approach has, ascending, "all" last."""
        names = {budget for a in self.approaches for budget in a.scores}
        return sorted(names, key=lambda name: float("inf") if name == "all" else int(name))

    @property
    def last_budget(self) -> str:
        """The largest budget at which an approach was chosen."""
        return list(self.chosen)[-1]

    def approach(self, name: str) -> ApproachRecord:
        """The approach of that name."""
        return {a.name: a for a in self.approaches}[name]

    def score(self, name: str, budget: str) -> Score:
        """An approach's score at a budget that it has."""
        return self.approach(name).scores[budget]

    def comparison(self, name: str, budget: str) -> Comparison | None:
        """An approach against the best baseline at a budget; None for that baseline itself."""
        return next((c for c in self.comparisons if (c.a, c.budget) == (name, budget)), None)
