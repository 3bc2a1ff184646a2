"""Greedy layer-wise pretraining: each stage learns from what the stages before it make of the input.

Bengio, Lamblin, Popovici, Larochelle. Greedy layer-wise training of deep networks. NIPS 2006 (algorithm as in
Goodfellow, Bengio, Courville, Deep Learning, 2016, algorithm 15.1):

    f = identity; Z = X
    for each stage: f_k = learner(Z); f = f_k ∘ f; Z = f_k(Z)
    if fine-tuning: f = tune(f, X, Y)

The learner may be any objective. One that needs views draws them on X and passes them through the frozen f; Z is
computed batch by batch, which is the same and needs no memory for it.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from headstart.encoders.stages import Staged
from headstart.objectives.catalogue import make_objective
from headstart.training.log import Row
from headstart.training.loop import Progress, train
from headstart.training.recipe import Recipe
from headstart.views.views import Views


def pretrain_layerwise(
    encoder: Staged,
    x: Float[Tensor, "n c h w"],
    y: Int[Tensor, " n"] | None = None,
    *,
    learner: str,
    recipe: Recipe,
    views: Views | None = None,
    classes: int = 0,
    index: np.ndarray | None = None,
    device: str = "cpu",
    folder: Path | None = None,
    resume: bool = False,
    seconds: float | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> dict[str, list[Row]]:
    """Train the encoder's stages one after another, in place; ``recipe.epochs`` are shared among them.

    Returns:
        The log of each stage, "stage1" first.
    """
    stages, logs = list(encoder.stages), {}
    each = recipe.but(epochs=max(1, recipe.epochs // len(stages)))
    shape = encoder.input_shape
    for k, stage in enumerate(stages):
        prefix = nn.Sequential(*stages[:k]).requires_grad_(False)
        f_k = Staged([stage], channels=shape[0], size=shape[1:])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed + k)
            objective = make_objective(learner, f_k, shape=shape, classes=classes, **options)
        logs[f"stage{k + 1}"] = train(
            objective, x, y, recipe=each, views=views, prefix=prefix, index=index, device=device, resume=resume,
            folder=folder / f"stage{k + 1}" if folder else None,
            seconds=None if seconds is None else seconds / len(stages),
            progress=None if progress is None else (lambda done, k=k: progress((k + done) / len(stages))),
        )  # fmt: skip
        shape = f_k.map_shape
    encoder.to(device).requires_grad_(True).eval()
    return logs
