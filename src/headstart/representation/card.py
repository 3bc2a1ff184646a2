"""Card: what a bundle says of itself, as card.json holds it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from headstart.data.pixels import Pixels
from headstart.encoders.build import EncoderSpec
from headstart.evaluation.statistics import Score
from headstart.objectives.catalogue import method_class, methods
from headstart.training.recipe import ResolvedRecipe

Seen = Literal["unlabelled", "training", "all", "none"]
_SAW: dict[Seen, str] = {
    "all": "saw all inputs, without labels",
    "unlabelled": "saw the unlabelled inputs only",
    "training": "saw the unlabelled and the training inputs, without labels",
    "none": "is as it was initialised: it learned from no image",
}


@dataclass(frozen=True)
class LearnedFrom:
    """The data that an encoder learned from: its name, the hash of its content, and how many inputs."""

    source: str
    hash: str
    n: int


@dataclass(frozen=True)
class MethodCard:
    """How an encoder was made.

    name: of the method; "pixels" passes them on. approach: the study's, whose winner this is. hyperparameters: the
    method's own. penalty: as a user writes it. recipe: of the pretraining; finetuning: of the network on labels.
    steps: how many were done; kept: at which of them the encoder stands. seed: the study's.
    """

    name: str
    approach: str | None = None
    hyperparameters: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    recipe: ResolvedRecipe | None = None
    views: str | None = None
    penalty: str | None = None
    steps: int | None = None
    kept: int | None = None
    finetuning: ResolvedRecipe | None = None
    seed: int | None = None


@dataclass(frozen=True)
class HeadCard:
    """A head: its kind, the classes' names, the temperature of its confidences (0 < T), and what tuning chose.

    best: the candidate, by name and number; selection: its inner score; seed: with which it was tuned.
    """

    kind: str
    class_names: tuple[str, ...]
    temperature: float = 1.0
    best: Mapping[str, int | float] = field(default_factory=dict)
    selection: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class ProbeScore:
    """What cross-validation says of a head on frozen vectors: balanced accuracy with its 95 % interval.

    folds: of each split. n_labels: how many labelled images. saw: what the encoder saw of them; history: the same in
    words. split_hash: equal where a study split the labels in the same way. source, hash: of the images.
    """

    mean: float
    low: float
    high: float
    folds: tuple[float, ...]
    n_labels: int
    head: str
    saw: Seen | None
    history: str
    split_hash: str
    source: str
    hash: str

    def __str__(self) -> str:
        interval = f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"
        return f"balanced accuracy {interval} with {self.n_labels} labels; {self.history}"


@dataclass(frozen=True)
class Card:
    """What a bundle says of how its encoder was made, what it saw, its head, and how good it was found.

    saw: what the encoder was shown without labels. data: what it learned from. measured: a study's scores of it, by
    labels a class.
    """

    method: MethodCard | None = None
    saw: Seen | None = None
    data: LearnedFrom | None = None
    head: HeadCard | None = None
    probe: ProbeScore | None = None
    measured: Mapping[str, Score] = field(default_factory=dict)

    @property
    def made_by(self) -> str:
        """How it was made, by the name that a user knows: a study's approach, or a method."""
        return "no method" if self.method is None else self.method.approach or self.method.name

    @property
    def learned_from_labels(self) -> bool:
        """Whether the encoder's weights, and not only a head, were trained with labels."""
        learner = "" if self.method is None else self.method.name.removeprefix("greedy:")
        taught = learner in methods() and method_class(learner).supervised
        return taught or self.made_by.startswith("supervised") or self.made_by.endswith("+finetune")

    @property
    def history(self) -> str:
        """What the encoder saw, as a clause: "the encoder saw all inputs, without labels"."""
        saw = None if self.saw is None else _SAW[self.saw]
        if self.method is not None and self.method.name == "pixels":
            return "the encoder passes the pixels on: it was not trained"
        if saw and self.made_by.endswith("+finetune"):
            return f"the encoder {saw}, and was then fine-tuned with labels"
        if self.learned_from_labels:
            return "the encoder was trained with labels"
        return f"the encoder {saw}" if saw else "what the encoder saw is not known"

    def learned(self, content_hash: str) -> bool:
        """Whether the encoder learned from the data of this content."""
        return self.data is not None and self.data.hash == content_hash


@dataclass(frozen=True, kw_only=True)
class CardFile(Card):
    """The content of card.json: a card, and what is needed to load the bundle.

    format: of the file. encoder: the architecture. preprocessing: how images are prepared. dim: width of h.
    versions: package -> version. sha256: of the weights.
    """

    format: int
    encoder: EncoderSpec
    preprocessing: Pixels
    dim: int
    versions: Mapping[str, str]
    sha256: str
