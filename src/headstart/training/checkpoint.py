"""Checkpoints: everything a run needs to go on as if nothing had happened, in one safetensors file."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from headstart.codec import from_json, to_json
from headstart.errors import UserError
from headstart.training.recipe import ResolvedRecipe

T = TypeVar("T")


@dataclass(frozen=True)
class Stand:
    """Where a run stands: its recipe, the steps done and those of the whole schedule, and its wall time in seconds."""

    recipe: ResolvedRecipe
    step: int
    total: int
    seconds: float


def write_tensors(path: Path, tensors: dict[str, Tensor], facts: object = None) -> None:
    """Write tensors, and a dataclass of facts, to one file, atomically: the old file stays until the new is whole."""
    waiting = path.with_name(path.name + ".new")
    plain = {k: v.detach().contiguous().cpu() for k, v in tensors.items()}
    save_file(plain, waiting, metadata={"facts": json.dumps(to_json(facts))})
    os.replace(waiting, path)


def read_tensors(path: Path, device: str = "cpu") -> dict[str, Tensor]:
    """The tensors that ``write_tensors`` wrote."""
    with safe_open(path, framework="pt", device=device) as file:
        return {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118  (safe_open has no iterator)


def read_facts(path: Path, cls: type[T]) -> T:
    """The facts that ``write_tensors`` wrote, a dataclass of this kind.

    Raises:
        UserError: they are of another kind.
    """
    with safe_open(path, framework="pt") as file:
        return from_json(cls, json.loads((file.metadata() or {}).get("facts", "null")), path.name)


def save_checkpoint(
    path: Path, objective: nn.Module, optimiser: Optimizer, averaged: list[Tensor], stand: Stand
) -> None:
    """Objective, optimiser, averaged weights, and where the run stands."""
    tensors = {f"objective.{k}": v for k, v in objective.state_dict().items()}
    for i, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{i}.{k}": v for k, v in state.items()}
    tensors |= {f"averaged.{i}": v for i, v in enumerate(averaged)}
    write_tensors(path, tensors, stand)


def load_checkpoint(
    path: Path, objective: nn.Module, optimiser: Optimizer, averaged: list[Tensor], *, recipe: ResolvedRecipe
) -> Stand:
    """Put everything back, bit for bit, and say where the run stood.

    Raises:
        UserError: the checkpoint was made by another recipe.
    """
    tensors, stand = read_tensors(path), read_facts(path, Stand)
    changed = stand.recipe.differing(recipe)
    if changed:
        raise UserError(
            f"{path} was made with another {', '.join(changed)}: repeat the first command, or choose another folder"
        )
    objective.load_state_dict(
        {k.removeprefix("objective."): v for k, v in tensors.items() if k.startswith("objective.")}
    )
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimiser."):
            _, i, key = name.split(".", 2)
            state.setdefault(int(i), {})[key] = value
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    for i, values in state.items():  # in the parameter's memory format, which the fused optimiser counts on
        values |= {k: torch.empty_like(parameters[i]).copy_(v) for k, v in values.items() if v.ndim}
    if state:
        optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
    with torch.no_grad():
        for i, value in enumerate(averaged):
            value.copy_(tensors[f"averaged.{i}"])
    return stand
