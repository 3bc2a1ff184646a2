"""An approach is a representation and what is put on it: ``simclr+probe``, ``svm-pixels``, ``supervised``.

``untrained:ENCODER+HEAD`` and ``supervised:ENCODER`` name the network; without, it is the study's (``yardsticks``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from headstart.encoders.build import check_encoder
from headstart.errors import UserError, unknown
from headstart.objectives.catalogue import method_class, methods
from headstart.training.method import Method

Kind = Literal["baseline", "pretrained"]
_PIXELS = {
    "majority": "majority",
    "knn-pixels": "knn",
    "linear-pixels": "probe",
    "svm-pixels": "svm",
    "pca-svm": "pca-svm",
    "gaussian-process": "gaussian-process",
}
_HEADS = ("probe", "svm", "knn", "finetune")
DEFAULT = (
    *_PIXELS, "untrained+probe", "supervised",
    "autoencoder+probe", "denoising+probe", "greedy+finetune", "simclr+probe", "simclr+finetune",
)  # fmt: skip


@dataclass(frozen=True)
class Approach:
    """method: pixels, untrained, untrained:ENCODER, or what pretrained the encoder.

    head: a kind of ``reuse.heads``, or finetune.
    """

    name: str
    method: str
    head: str

    @property
    def kind(self) -> Kind:
        """Baselines learn nothing from unlabelled inputs."""
        return "baseline" if self.method == "pixels" or is_untrained(self.method) else "pretrained"

    @property
    def is_network(self) -> bool:
        """A network is trained anew for every split and budget."""
        return self.head == "finetune"


def is_untrained(method: str) -> bool:
    """Whether a method is none: a network as it was initialised."""
    return method.partition(":")[0] == "untrained"


def parse_approach(name: str) -> Approach:
    """The approach a name stands for.

    Raises:
        UserError: no such approach, or no such encoder; the nearest is suggested.
    """
    if name in _PIXELS:
        return Approach(name, "pixels", _PIXELS[name])
    if name == "supervised":
        return Approach(name, "untrained", "finetune")
    if name.startswith("supervised:"):
        return Approach(name, f"untrained:{_encoder(name, name)}", "finetune")
    method, plus, head = name.partition("+")
    if method.startswith("untrained:") and head in _HEADS[:-1]:
        return Approach(name, f"untrained:{_encoder(name, method)}", head)
    learner = method.partition(":")[2] if method.startswith("greedy:") else method
    if plus and learner in methods() and method_class(learner).supervised:
        raise UserError(
            f"{name}: {learner} learns from labels, and would see more of them than a budget allows: use supervised"
        )
    if plus and ":" in method and method == learner and not is_untrained(method):
        return Approach(name, Method(method).name, head)
    known = {"untrained", "greedy", *(m for m in methods() if not method_class(m).supervised)}
    if not plus or head not in _HEADS or learner not in known or (is_untrained(method) and head == "finetune"):
        known |= {method} if is_untrained(method) else set()
        every = [*_PIXELS, "supervised", *(f"{m}+{h}" for m in sorted(known) for h in _HEADS)]
        raise unknown("approach", name, every)
    return Approach(name, method, head)


def _encoder(name: str, method: str) -> str:
    """The encoder after the colon."""
    encoder = method.partition(":")[2]
    if "@" in encoder:
        raise UserError(f"{name}: weights are random there, write {name.replace(encoder, encoder.partition('@')[0])}")
    return check_encoder(encoder)


def parse_approaches(given: str | Sequence[str] | None) -> list[Approach]:
    """Approaches from their names, one by one or joined by commas; the default ones for None.

    Raises:
        UserError: an unknown name, or none that is a baseline to compare with.
    """
    text = given if isinstance(given, str) else ",".join(DEFAULT if given is None else given)
    names = [name.strip() for name in text.split(",") if name.strip()]
    found = [parse_approach(name) for name in dict.fromkeys(names)]
    if not any(a.kind == "baseline" for a in found):
        raise UserError(f"--approaches {text}: nothing to compare with; add a baseline such as svm-pixels")
    return found
