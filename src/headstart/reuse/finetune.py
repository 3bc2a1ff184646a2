"""Fine-tuning: an encoder and a linear head trained together on the labels, by one fixed recipe."""

import copy
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from headstart.encoders.encoder import Encoder
from headstart.objectives.catalogue import make_objective
from headstart.training.loop import train
from headstart.training.recipe import Recipe
from headstart.views.views import Views


class FinetunedClassifier:
    """A copy of the encoder with a linear head on it, trained on labelled images; the original is left alone.

    ``classes_`` are the labels seen; ``encoder_`` and ``weight_``, ``bias_`` are the parts of the result.
    """

    def __init__(self, encoder: Encoder, *, recipe: Recipe, views: Views | None, device: str = "cpu") -> None:
        self.encoder, self.recipe, self.views, self.device = encoder, recipe, views, device

    def fit(
        self, x: Float[Tensor, "n c h w"], y: Int[np.ndarray, " n"], *, index: np.ndarray | None = None
    ) -> "FinetunedClassifier":
        """Train on images (n, c, h, w) in [0, 1] and their labels."""
        self.classes_, coded = np.unique(y, return_inverse=True)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.recipe.seed + 2)
            objective: Any = make_objective(
                "supervised", copy.deepcopy(self.encoder), shape=(x.shape[1], x.shape[2], x.shape[3]),
                classes=len(self.classes_),
            )  # fmt: skip
        train(
            objective, x, torch.from_numpy(coded.astype(np.int64)), recipe=self.recipe, views=self.views,
            index=index, device=self.device,
        )  # fmt: skip
        self.encoder_ = objective.encoder
        self.weight_ = objective.head.weight.detach().cpu().double().numpy()
        self.bias_ = objective.head.bias.detach().cpu().double().numpy()
        return self
