"""Phases: which parts of a network train when, and how fast, from nothing but the head to everything."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from headstart.encoders.encoder import Encoder
from headstart.errors import UserError
from headstart.reuse.cut import Cut, own_name
from headstart.training.freezing import begins
from headstart.training.recipe import ResolvedRecipe

_WHOLE, _INNER = "encoder", "encoder.encoder"  # the names of the cut, and of the encoder in it, in the objective
Parts = tuple[str, ...]
_DROPOUTS = (nn.modules.dropout._DropoutNd,)


@dataclass(frozen=True)
class Phase:
    """One training run: the frozen parts of the objective, by name, and the recipe; ``whole``: all before the head."""

    frozen: Parts
    recipe: ResolvedRecipe
    whole: bool


def make_phases(
    cut: Cut, *, frozen: str | Sequence[str], recipe: ResolvedRecipe, probe: ResolvedRecipe | None,
    unfreeze_every: int | None, faithful: bool,
) -> list[Phase]:  # fmt: skip
    """The phases of a transfer, one after another; each draws its own order and views.

    Raises:
        UserError: a part that is not there, or too few epochs for all stages to be unfrozen.
    """
    always = _always(cut, frozen)
    phases: list[tuple[Parts, ResolvedRecipe]] = [] if probe is None else [((_WHOLE, *always), probe)]
    if unfreeze_every is None:
        phases.append((always, recipe))
    else:
        phases += _gradual(cut, always, recipe, unfreeze_every)
    return [
        Phase(
            _but_dropouts(cut, parts) if faithful else parts,
            part.replace(seed=(part.seed + k) % 2**32),
            whole=_WHOLE in parts,
        )
        for k, (parts, part) in enumerate(phases)
    ]


def _always(cut: Cut, frozen: str | Sequence[str]) -> Parts:
    names = (frozen,) if isinstance(frozen, str) else tuple(frozen)
    heads = tuple(name for name in names if begins(name, "head"))
    if "all" in names:
        return (_WHOLE, *heads)
    inner = (own_name(cut.encoder, name) for name in names if name not in heads)
    return (*heads, *(f"{_INNER}.{name}" for name in (*inner, *cut.unused)))


def _gradual(cut: Cut, always: Parts, recipe: ResolvedRecipe, every: int) -> list[tuple[Parts, ResolvedRecipe]]:
    """The head, then the last stage too, then one more every so many epochs (Howard and Ruder 2018, section 3.3)."""
    closed = [names for names in stages(cut) if not all(any(begins(n, a) for a in always) for n in _placed(names))]
    if _WHOLE in always or not closed:
        raise UserError("unfreeze_every was given, but everything stays frozen: give frozen=()")
    if every < 1 or recipe.epochs <= every * len(closed):
        raise UserError(
            f"{len(closed)} stages unfrozen one every {every} epochs want more than {max(1, every) * len(closed)} "
            f"epochs, the recipe has {recipe.epochs}: give more, or a smaller unfreeze_every of at least 1"
        )
    phases: list[tuple[Parts, ResolvedRecipe]] = [((_WHOLE, *always), recipe.replace(epochs=every))]
    while closed:
        closed.pop()
        epochs = every if closed else recipe.epochs - every * len(phases)
        still = tuple(name for names in closed for name in _placed(names))
        phases.append(((*always, *still), recipe.replace(epochs=epochs)))
    return phases


def stage_rates(cut: Cut, factor: float) -> dict[str, float] | None:
    """Each stage learns ``factor`` times more slowly than the one above it, the last than the head.

    Howard and Ruder. Universal language model fine-tuning for text classification. ACL 2018, arXiv 1801.06146
    (section 3.2, where the factor is 2.6). None where the factor is 1.
    """
    if not factor > 0:
        raise UserError(f"stage_factor={factor}: wanted a number above 0, such as 2.6")
    if factor == 1:
        return None
    downwards = list(reversed(stages(cut)))
    return {name: factor ** -(k + 1) for k, names in enumerate(downwards) for name in _placed(names)}


def stages(cut: Cut) -> list[list[str]]:
    """The encoder's stages, first first, each as the names of its parts; without those behind the cut."""
    found = encoder_stages(cut.encoder)
    return [names for names in found if not all(any(begins(n, u) for u in cut.unused) for n in names)]


def encoder_stages(encoder: Encoder) -> list[list[str]]:
    """The highest parts of an encoder that follow one another; parameters of its own belong to the first."""
    module, path = encoder, ""
    while True:
        own = [f"{path}{name}" for name, _ in module.named_parameters(recurse=False)]
        children = [(name, child) for name, child in module.named_children() if any(True for _ in child.parameters())]
        if own or len(children) != 1:
            break
        path, module = f"{path}{children[0][0]}.", children[0][1]
    parts = [[f"{path}{name}"] for name, _ in children]
    return [[*own, *parts[0]], *parts[1:]] if parts else [own] if own else []


def _placed(names: Sequence[str]) -> list[str]:
    return [f"{_INNER}.{name}" for name in names]


def _but_dropouts(cut: Cut, parts: Parts) -> Parts:
    """The same parts without the dropouts in them, which then stay random."""
    whole = nn.ModuleDict({"encoder": cut})
    kept: list[str] = []
    for part in parts:
        if not begins(part, _WHOLE) or part not in (modules := dict(whole.named_modules())):
            kept.append(part)
            continue
        for name, module in modules[part].named_modules(prefix=part):
            if not any(isinstance(m, _DROPOUTS) for m in module.modules()):
                if not any(begins(name, other) for other in kept):
                    kept.append(name)
            else:
                kept += [f"{name}.{own}" for own, _ in module.named_parameters(recurse=False)]
    return tuple(kept)
