"""From images to a trained encoder: one method, one encoder, one recipe."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from headstart.encoders.build import STAGED, EncoderSpec, build_encoder, check_encoder
from headstart.encoders.encoder import Encoder
from headstart.encoders.stages import Staged
from headstart.errors import UserError
from headstart.objectives.learner import Learner
from headstart.objectives.objective import Objective
from headstart.training.layerwise import pretrain_layerwise
from headstart.training.log import Row
from headstart.training.loop import train
from headstart.training.method import Method
from headstart.training.recipe import Recipe
from headstart.training.run import Run
from headstart.training.training_set import TrainingSet, channel_statistics


def encoder_spec(
    name: str, data: TrainingSet, *, symmetric: bool = False, options: Mapping[str, Any] | None = None
) -> EncoderSpec:
    """The named encoder for examples like these, standardising by their mean and deviation a channel.

    options: a learner's, whose class the name is.
    symmetric: its views make an image's rotations and reflections equal; counts where images are square.
    """
    mean, std = channel_statistics(data)
    channels, h, w = data.rows(slice(0, 1)).shape[1:]
    return EncoderSpec(
        check_encoder(name), channels, (h, w), tuple(mean.tolist()), tuple(std.tolist()),
        symmetric=symmetric and h == w, options=dict(options or {}),
    )  # fmt: skip


def untrained_encoder(spec: EncoderSpec, *, seed: int) -> Encoder:
    """The encoder with random weights from the seed, a backbone's too; the caller's random state is left alone."""
    return _new_encoder(spec, seed, pretrained=False)


def _new_encoder(spec: EncoderSpec, seed: int, *, pretrained: bool) -> Encoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_encoder(spec, pretrained=pretrained).eval()


@dataclass(frozen=True)
class Fitted:
    """A trained encoder in inference mode, its log, and the objective that trained it, if one did so as a whole."""

    encoder: Encoder
    rows: list[Row]
    objective: Objective | None = None


def fit_encoder(
    method: Method,
    data: TrainingSet,
    *,
    spec: EncoderSpec,
    recipe: Recipe,
    run: Run | None = None,
    classes: int = 0,
) -> Fitted:
    """Train an encoder by a method, from random weights or from those that a backbone's name asks for.

    Layer-wise logs stand one after another; ``run.watch`` is called for networks trained whole only.

    Raises:
        UserError: too few images, or an encoder without stages for layer-wise pretraining.
    """
    if len(data) < 2:
        raise UserError(f"{len(data)} images to learn from, at least 2 are wanted")
    if issubclass(method.objective, Learner):
        return Fitted(method.objective(**method.hyperparameters).fit(data, seed=recipe.seed).eval(), [])
    encoder = _new_encoder(spec, recipe.seed, pretrained=True)
    shape = (spec.channels, *spec.size)
    if method.layerwise:
        if not isinstance(encoder, Staged) or spec.name not in STAGED:
            raise UserError(
                f"greedy pretraining wants an encoder made of stages, {spec.name} is not: "
                f"choose {', '.join(STAGED)}, or leave greedy out"
            )
        learned = pretrain_layerwise(encoder, data, learner=method, recipe=recipe, run=run, classes=classes)
        rows = [row for stage in learned.values() for row in stage.rows]
        return Fitted(encoder, [{**row, "step": i + 1} for i, row in enumerate(rows)])
    objective = method.make(encoder, shape=shape, classes=classes, seed=recipe.seed + 1)
    return Fitted(encoder, train(objective, data, recipe=recipe, run=run), objective)
