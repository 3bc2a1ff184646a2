"""A method: what an encoder has to get right without labels, and its hyperparameters, by name or by class."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from headstart.encoders.build import STAGED
from headstart.encoders.encoder import Encoder
from headstart.errors import UserError, unknown
from headstart.objectives.catalogue import hyperparameters, method_class, methods
from headstart.objectives.learner import Learner
from headstart.objectives.objective import Objective
from headstart.training.penalties import Penalty, penalise


@dataclass(frozen=True, init=False)
class Method:
    """``Method("simclr", temperature=0.1)``, ``Method("greedy:simclr")``, ``Method(MyObjective, weight=0.5)``.

    name: as a user writes it; of a class outside the package "module:Name".
    objective: the class, perhaps a learner's; of layer-wise pretraining that by which each stage learns.
    hyperparameters: all of its own, those that were not given by their defaults.
    layerwise: whether stages learn one after another; ``greedy`` alone learns each as an autoencoder.
    penalties: layer, penalty and weight of each loss beside the objective's own (``penalised``).
    """

    name: str
    objective: type[Objective] | type[Learner] = field(compare=False)
    hyperparameters: Mapping[str, Any]
    layerwise: bool
    penalties: tuple[tuple[str, Penalty, float], ...]

    def __init__(self, which: str | type[Objective] | type[Learner], /, **given: Any) -> None:
        """Find the class.

        Raises:
            UserError: an unknown method or hyperparameter, or another kind of value than its default.
        """
        layerwise = isinstance(which, str) and which.partition(":")[0] == "greedy"
        if isinstance(which, str):
            learner = (which.partition(":")[2] or "autoencoder") if layerwise else which
            if learner not in methods() and (layerwise or ":" not in learner):
                raise unknown("method", which, [*methods(), "greedy"])
            name, objective = which, method_class(learner)
        else:
            name, objective = f"{which.__module__}:{which.__qualname__}", which
        if not isinstance(objective, type) or not issubclass(objective, Objective | Learner):
            raise UserError(f"{name} is no method: give a name, or a subclass of headstart's Objective or Learner")
        values = {"name": name, "objective": objective, "layerwise": layerwise, "penalties": ()}
        for key, value in {**values, "hyperparameters": hyperparameters(objective, given)}.items():
            object.__setattr__(self, key, value)

    @classmethod
    def of(cls, given: "str | type[Objective] | type[Learner] | Method") -> "Method":
        """A method as it is, or by its name or class with its defaults."""
        return given if isinstance(given, Method) else cls(given)

    def replace(self, **changes: Any) -> "Method":
        """The same with some hyperparameters changed."""
        which = self.name if self.layerwise else self.objective
        made = Method(which, **{**self.hyperparameters, **changes})
        object.__setattr__(made, "name", self.name)
        object.__setattr__(made, "penalties", self.penalties)
        return made

    def penalised(self, layer: str, penalty: Penalty, weight: float) -> "Method":
        """The same with ``weight`` times a penalty of a layer added to its loss (``training.penalties``).

        Raises:
            UserError: it trains layers on their own, or no objective at all.
        """
        if self.layerwise or self.is_learner:
            raise UserError(f"{self.name} takes no penalty: it wants a method that trains all layers by one loss")
        made = self.replace()
        object.__setattr__(made, "penalties", (*self.penalties, (layer, penalty, weight)))
        return made

    @property
    def plain(self) -> dict[str, bool | int | float | str]:
        """Its hyperparameters as a card can hold them: an object by its name."""
        named = ((k, getattr(v, "__qualname__", type(v).__qualname__)) for k, v in self.hyperparameters.items())
        kept = {k: v for k, v in self.hyperparameters.items() if isinstance(v, bool | int | float | str)}
        return {**dict(named), **kept}

    @property
    def is_learner(self) -> bool:
        """Whether it makes an encoder of its own, without the loop."""
        return issubclass(self.objective, Learner)

    def default_encoder(self) -> str:
        """What the method asks for where the user does not; a learner's is its own."""
        if issubclass(self.objective, Learner):
            return self.name
        own = self.objective.default_encoder
        return own if own in STAGED or not self.layerwise else "small"

    def make(self, encoder: Encoder, *, shape: tuple[int, int, int], classes: int = 0, seed: int) -> Objective:
        """The objective around an encoder, its own weights from the seed; it gets ``shape`` and ``classes`` if it asks.

        Raises:
            UserError: a hyperparameter out of range.
        """
        if issubclass(self.objective, Learner):
            raise UserError(f"{self.name} trains no objective: give it examples to learn from")
        asked = inspect.signature(self.objective).parameters
        given = {k: v for k, v in {"shape": shape, "classes": classes}.items() if k in asked}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made = self.objective(encoder, **given, **self.hyperparameters)
        for layer, penalty, weight in self.penalties:
            penalise(made, layer, penalty, weight=weight)
        return made
