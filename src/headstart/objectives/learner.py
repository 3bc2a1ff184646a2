"""Learners without the loop: what makes an encoder from examples in its own way, such as in closed form."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from headstart.encoders.encoder import Encoder


@runtime_checkable
class Examples(Protocol):
    """Examples as an encoder takes them, read by parts."""

    def __len__(self) -> int: ...

    def rows(self, chosen: Any) -> Float[Tensor, "m ..."]:
        """These examples, by a slice or an array of row numbers."""
        ...


class Learner(ABC):
    """A method that trains no objective: its hyperparameters are those of its constructor, keyword-only with defaults.

    Methods, bundles and studies treat it as they treat an objective; by name it is "module:Class".
    """

    n_views: ClassVar[int] = 0
    supervised: ClassVar[bool] = False

    @abstractmethod
    def encoder(self, input_shape: tuple[int, int, int]) -> Encoder:
        """An encoder as ``fit`` gives it but for its numbers, which are filled in from a bundle."""

    @abstractmethod
    def fit(self, data: Examples, *, seed: int) -> Encoder:
        """The encoder, learned from these examples."""
