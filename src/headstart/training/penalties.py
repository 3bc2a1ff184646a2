"""Penalties: a loss of your own on the weights, or on what comes out, of any named layer, beside any objective's.

One line before training: ``penalise(objective, "encoder.stages.2", sparsity, weight=0.01)``. A penalty is a function of
the layer, its input and its output; it gives a number, or one an image of the input, of which the mean is taken. The
input is in parts, one a call of the layer in this step, the output in one piece. With several processes the output is
that of all of them; a penalty is on weights or on outputs, not on both in one.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headstart.errors import UserError, unknown
from headstart.objectives.objective import Batch, Objective, Terms
from headstart.training.processes import shared

Parts = tuple[Tensor, ...]
Penalty = Callable[[nn.Module, Parts, Tensor], Tensor]


def sparsity(layer: nn.Module, x: Parts, y: Float[Tensor, "n ..."]) -> Float[Tensor, ""]:
    """Mean |y|: few outputs differ from zero (Goodfellow, Bengio, Courville, Deep Learning, 2016, section 14.2.1)."""
    return y.abs().mean()


def decorrelation(layer: nn.Module, x: Parts, y: Float[Tensor, "n ..."]) -> Float[Tensor, ""]:
    """Mean squared correlation of two different outputs, 0 to 1; maps are averaged over their places first.

    Cogswell et al. Reducing overfitting by decorrelating representations. ICLR 2016, arXiv 1511.06068, equation 1.
    Differs: divided by both deviations, so that it cannot be met by small outputs.
    """
    flat = y.flatten(2).mean(2) if y.ndim > 2 else y
    standard = (flat - flat.mean(0)) * flat.var(0, correction=0).clamp(min=1e-8).rsqrt()
    correlation = standard.T @ standard / len(flat)
    width = correlation.shape[0]
    return (correlation.square().sum() - correlation.diagonal().square().sum()) / max(1, width * (width - 1))


def contraction(layer: nn.Module, x: Parts, y: Float[Tensor, "n ..."]) -> Float[Tensor, " m"]:
    """|∂y/∂x|² of each image, by a random direction an image, so that small changes of x change y little.

    Rifai et al. Contractive auto-encoders. ICML 2011, equation 2. Differs: the squared Frobenius norm is estimated,
    by the gradient of y's product with random signs: without bias, but for batch-norm, through which all images count.
    """
    signs = torch.randint(0, 2, y.shape, device=y.device).to(y.dtype) * 2 - 1
    gradients = torch.autograd.grad((y * signs).sum(), x, create_graph=True)
    return torch.cat([gradient.flatten(1).square().sum(1) for gradient in gradients])


PENALTIES: dict[str, Penalty] = {"sparsity": sparsity, "decorrelation": decorrelation, "contraction": contraction}


def penalise(objective: Objective, layer: str, penalty: Penalty, *, weight: float, name: str | None = None) -> None:
    """Add ``weight`` times a penalty to every loss of an objective, as a term of its own, logged as ``name``.

    Raises:
        UserError: the objective has no such layer; later, where it has, but never calls it.
    """
    layers = dict(objective.named_modules())
    if not layer or layer not in layers:
        raise unknown("layer", layer, [known for known in layers if known])
    objective.penalised = True
    called, images = name or getattr(penalty, "__name__", "penalty"), []
    calls: list[tuple[Tensor, Tensor]] = []

    def begin(module: nn.Module, given: tuple[Batch]) -> None:
        images[:] = [len(given[0].keys)]

    def before(module: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        x, *rest = given
        return (x if x.requires_grad or not torch.is_grad_enabled() else x.detach().requires_grad_(), *rest)

    def after(module: nn.Module, given: tuple[Any, ...], y: Tensor) -> None:
        if not isinstance(y, Tensor):
            raise UserError(f"{layer!r} puts out a {type(y).__name__} and no tensor: penalise another layer")
        if objective.training and torch.is_grad_enabled():
            calls.append((given[0], y.clone()))

    def total(module: nn.Module, given: tuple[Any, ...], terms: Terms) -> Terms:
        if not objective.training:
            return terms
        if not calls:
            raise UserError(f"nothing passes through {layer!r} as a whole in this method: penalise a layer inside it")
        x, parts = zip(*calls, strict=True)
        calls.clear()
        y = torch.cat(parts)
        views = objective.n_views if len(y) == objective.n_views * images[0] else 1
        seen = torch.cat([objective.gather(part) for part in y.chunk(views)])  # in one process's order
        value = penalty(layers[layer], x, seen)
        if value.ndim:  # one an image: of all of them where it is of the output, of this process's where of the input
            value = (value if len(value) == len(seen) else objective.gather(value)).mean()
        elif not _depends(value, seen):
            value = shared(value)
        return terms | {called if called not in terms else f"{called} of {layer}": weight * value}

    objective.register_forward_pre_hook(begin)
    layers[layer].register_forward_pre_hook(before)
    layers[layer].register_forward_hook(after)
    objective.register_forward_hook(total)


def _depends(value: Tensor, on: Tensor) -> bool:
    return torch.autograd.grad(value, on, retain_graph=True, allow_unused=True)[0] is not None


def parse_penalties(text: str | None) -> list[tuple[str, Penalty, float]]:
    """``sparsity:encoder:0.01,contraction:encoder:0.1`` -> layer, penalty and weight of each; none of None.

    Raises:
        UserError: anything else.
    """
    return [parse_penalty(part.strip()) for part in text.split(",")] if text else []


def parse_penalty(text: str) -> tuple[str, Penalty, float]:
    """``sparsity:encoder.stages.2:0.01`` -> the layer, the penalty and its weight.

    Raises:
        UserError: anything else.
    """
    name, _, rest = text.partition(":")
    layer, _, number = rest.rpartition(":")
    if name not in PENALTIES:
        raise unknown("penalty", name, list(PENALTIES))
    try:
        return layer, PENALTIES[name], float(number)
    except ValueError:
        raise UserError(f"--penalty {text}: write NAME:LAYER:WEIGHT, such as {name}:encoder:0.01") from None
