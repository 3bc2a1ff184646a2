"""The summary of a network: layer, output shape, parameters, and which of them train."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from headstart.encoders.stages import count_parameters
from headstart.reuse.cut import Cut
from headstart.training.freezing import Freezing, begins

_INNER = "encoder.encoder"


def summarise(cut: Cut, head: nn.Module, frozen: Sequence[str]) -> str:
    """A text table with a line a layer, in the order in which an image passes them, and three totals.

    Running means and variances count as parameters that do not train, as Keras counts them.
    frozen: names of parts, "encoder" being the cut.
    """
    network = nn.ModuleDict({"encoder": cut, "head": head})
    still = {id(p) for p in Freezing(network, frozen).parameters}
    passed = _passed(network, cut, head)
    unused = [f"{_INNER}.{name}" for name in cut.unused]
    total, trainable, lines = 0, 0, []
    rest = {name: "" for name, _ in network.named_modules() if name not in passed}
    for name, shape in {**passed, **rest}.items():
        if any(begins(name, part) for part in unused):
            continue
        layer = network.get_submodule(name)
        own = list(layer.parameters(recurse=False))
        count = count_parameters(layer) - sum(count_parameters(child) for child in layer.children())
        learning = sum(p.numel() for p in own if id(p) not in still)
        total, trainable = total + count, trainable + learning
        if own or (name in passed and not any(True for _ in layer.children())):
            called = f"{name.removeprefix(_INNER).removeprefix('.') or 'encoder'} ({type(layer).__name__})"
            lines.append((called, shape, f"{count:,}", f"{learning:,}" if count else ""))
    widths = [max(len(line[i]) for line in [_HEADER, *lines]) for i in range(4)]
    rows = [_row(line, widths) for line in lines]
    totals = f"Total parameters: {total:,}\nTrainable: {trainable:,}\nNot trainable: {total - trainable:,}"
    rule = "─" * len(_row(_HEADER, widths))
    return "\n".join([_row(_HEADER, widths), rule, *rows, rule, totals])


_HEADER = ("layer", "output shape", "parameters", "trainable")


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    left = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
    right = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
    return "  ".join([*left, *right]).rstrip()


def _passed(network: nn.ModuleDict, cut: Cut, head: nn.Module) -> dict[str, str]:
    """Name -> shape of its output, of each module that a single image passes, in order; state and mode stay."""
    shapes: dict[str, str] = {}

    def note(name: str, value: object) -> None:
        shapes.setdefault(name, "×".join(map(str, value.shape[1:])) if isinstance(value, Tensor) else "")

    hooks = [
        module.register_forward_hook(lambda _, __, value, name=name: note(name, value))
        for name, module in network.named_modules()
        if name
    ]
    parameter = next(network.parameters(), torch.zeros(0))
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    with torch.no_grad():
        head(cut(torch.zeros(1, *cut.input_shape, dtype=parameter.dtype, device=parameter.device)))
    for module, training in modes:
        module.training = training
    for hook in hooks:
        hook.remove()
    return shapes
