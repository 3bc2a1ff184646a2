"""Greedy layer-wise pretraining: each stage learns from what the stages before it make of the input.

Bengio, Lamblin, Popovici, Larochelle. Greedy layer-wise training of deep networks. NIPS 2006 (algorithm as in
Goodfellow, Bengio, Courville, Deep Learning, 2016, algorithm 15.1):

    f = identity; Z = X
    for each stage: f_k = learner(Z); f = f_k ∘ f; Z = f_k(Z)
    if fine-tuning: f = tune(f, X, Y)

The learner may be any objective. One that needs views draws them on X and passes them through the frozen f; Z is
computed batch by batch, which is the same and needs no memory for it.
"""

from collections.abc import Mapping
from typing import NamedTuple

from torch import nn

from headstart.encoders.decoder import Mirror
from headstart.encoders.stages import Staged
from headstart.errors import UserError
from headstart.objectives.objective import Objective
from headstart.objectives.rbm import RBM
from headstart.training.log import Row
from headstart.training.loop import train
from headstart.training.method import Method
from headstart.training.recipe import Recipe
from headstart.training.run import Run
from headstart.training.training_set import TrainingSet


class Learned(NamedTuple):
    """What a stage learned by: its objective, with what that keeps beside the stage, and its log."""

    objective: Objective
    rows: list[Row]


def pretrain_layerwise(
    encoder: Staged,
    data: TrainingSet,
    *,
    learner: Method | str,
    recipe: Recipe,
    run: Run | None = None,
    classes: int = 0,
) -> dict[str, Learned]:
    """Train the encoder's stages one after another, in place; ``recipe.epochs`` are shared among them.

    Returns:
        What each stage learned, "stage1" first.
    """
    stages, learned, run = list(encoder.stages), {}, run or Run()
    recipe = recipe.resolve(learner, len(data), device=run.device or "cpu")
    each = recipe.replace(epochs=max(1, recipe.epochs // len(stages)))
    shape = encoder.input_shape
    for k, stage in enumerate(stages):
        trunk = nn.Sequential(*stages[:k]).requires_grad_(False)
        f_k = Staged([stage], channels=shape[0], size=shape[1:])
        objective = Method.of(learner).make(f_k, shape=shape, classes=classes, seed=recipe.seed + k)
        rows = train(objective, data.replace(trunk=trunk), recipe=each, run=run.part(k, len(stages)))
        learned[f"stage{k + 1}"] = Learned(objective, rows)
        shape = f_k.map_shape
    encoder.to(run.device or "cpu").requires_grad_(True).eval()
    return learned


def unroll(encoder: Staged, learned: Mapping[str, Learned]) -> Mirror:
    """The way back that a stack of RBMs learned: their weights transposed, and their visible biases.

    Fine-tune both with ``Autoencoder(encoder, shape=encoder.input_shape, decoder=unroll(encoder, learned))``.

    Raises:
        UserError: the stages learned by another method.
    """
    biases = [stage.objective.visible for stage in learned.values() if isinstance(stage.objective, RBM)]
    if len(biases) < len(encoder.stages):
        raise UserError("only a stack of RBMs can be unrolled: pretrain every stage with learner='rbm'")
    return Mirror(encoder, biases=biases)
