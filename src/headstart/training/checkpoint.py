"""Checkpoints: everything a run needs to go on as if nothing had happened, in one safetensors file."""

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from headstart.errors import UserError


def write_tensors(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write tensors and plain facts to one file, atomically: the old file stays until the new one is whole."""
    waiting = path.with_name(path.name + ".new")
    plain = {k: v.detach().contiguous().cpu() for k, v in tensors.items()}
    save_file(plain, waiting, metadata={"facts": json.dumps(facts)})
    os.replace(waiting, path)


def read_tensors(path: Path, device: str = "cpu") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What ``write_tensors`` wrote."""
    with safe_open(path, framework="pt", device=device) as file:
        tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118  (safe_open has no iterator)
        return tensors, json.loads((file.metadata() or {}).get("facts", "{}"))


def save_checkpoint(
    path: Path, objective: nn.Module, optimiser: Optimizer, averaged: list[Tensor], facts: dict[str, Any]
) -> None:
    """Objective, optimiser, averaged weights and facts (the step above all)."""
    tensors = {f"objective.{k}": v for k, v in objective.state_dict().items()}
    for i, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{i}.{k}": v for k, v in state.items()}
    tensors |= {f"averaged.{i}": v for i, v in enumerate(averaged)}
    write_tensors(path, tensors, facts)


def load_checkpoint(
    path: Path, objective: nn.Module, optimiser: Optimizer, averaged: list[Tensor], *, recipe: dict[str, Any]
) -> dict[str, Any]:
    """Put everything back, bit for bit, and return the facts.

    Raises:
        UserError: the checkpoint was made by another recipe.
    """
    tensors, facts = read_tensors(path)
    if facts["recipe"] != recipe:
        changed = sorted(k for k in {**facts["recipe"], **recipe} if facts["recipe"].get(k) != recipe.get(k))
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
    return facts
