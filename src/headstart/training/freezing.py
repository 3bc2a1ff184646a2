"""Freezing: parts of a network that stay as they are, bit for bit, while the rest of it trains."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from torch import nn

from headstart.errors import UserError, unknown


class Freezing:
    """Some parts of a network, by their names, such as "encoder.stages.0" or "encoder.place".

    A part is a module, with everything beneath it, or a single parameter. Frozen parameters have no gradient, and
    frozen modules are in inference mode: batch-norm keeps its running statistics and dropout passes everything.

    Raises:
        UserError: a name that the network does not have.
    """

    def __init__(self, network: nn.Module, names: Sequence[str]) -> None:
        modules, parameters = dict(network.named_modules()), dict(network.named_parameters())
        for name in names:
            if not name or (name not in modules and name not in parameters):
                raise unknown("part", name, [known for known in (*modules, *parameters) if known])
        self.network, self.names = network, sorted(names)
        self.modules = [modules[name] for name in names if name in modules]
        self.parameters = [p for name, p in parameters.items() if any(begins(name, part) for part in names)]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Frozen parameters have no gradient within; afterwards those have one again that had one before.

        Raises:
            UserError: nothing is left to train.
        """
        trained = [p for p in self.parameters if p.requires_grad]
        for p in trained:
            p.requires_grad_(False)
        try:
            if not any(p.requires_grad for p in self.network.parameters()):
                raise UserError("everything is frozen, so nothing is left to train: freeze fewer parts")
            yield
        finally:
            for p in trained:
                p.requires_grad_(True)

    def train(self) -> None:
        """Training mode for all but what is frozen."""
        self.network.train()
        for module in self.modules:
            module.eval()

    def free_modules(self) -> Iterator[tuple[str, nn.Module]]:
        """Name and module of all that is not frozen."""
        still = {beneath for module in self.modules for beneath in module.modules()}
        return ((name, module) for name, module in self.network.named_modules() if module not in still)


def begins(name: str, beginning: str) -> bool:
    """Whether a name is ``beginning`` or beneath it: encoder.stages.1.0.weight is beneath encoder.stages.1."""
    return name == beginning or name.startswith(f"{beginning}.")


def rate_factor(name: str, rates: Mapping[str, float]) -> float:
    """The factor of a parameter's learning rate: that of the longest beginning that it has, 1 without one."""
    return rates[max(found, key=len)] if (found := [start for start in rates if begins(name, start)]) else 1.0


def check_rates(network: nn.Module, rates: Mapping[str, float]) -> None:
    """Raise UserError for a factor that is not above 0, or a beginning that no parameter has."""
    names = [name for name, _ in network.named_parameters()]
    for start, factor in rates.items():
        if not 0 < factor < float("inf"):
            raise UserError(f"rates: {start!r} has the factor {factor}: wanted a number above 0; to stop it, freeze it")
        if not any(begins(name, start) for name in names):
            raise unknown("beginning of a parameter", start, names)
