"""A scikit-learn transformer that pretrains an encoder where it is fitted, so that cross-validation cannot leak."""

from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from headstart.data.dataset import Dataset
from headstart.data.inputs import Inputs, Joined, Subset
from headstart.data.load import load
from headstart.data.pixels import Pixels
from headstart.encoders.device import find_device
from headstart.errors import UserError
from headstart.representation.bundle import Bundle
from headstart.representation.card import Card, LearnedFrom, MethodCard
from headstart.training.fit import encoder_spec, fit_encoder
from headstart.training.method import Method
from headstart.training.recipe import Recipe
from headstart.training.run import Run
from headstart.training.training_set import TrainingSet
from headstart.views.presets import resolve


class PretrainedTransformer(TransformerMixin, BaseEstimator):
    """Images (n, h, w) or (n, h, w, c) to vectors (n, dim), by an encoder pretrained in ``fit``.

    Args:
        unlabelled: More images, of the same kind: whatever ``load`` takes, of which only images without a label are
            used, so that a whole source may be given; or None.
        method: simclr, moco, vicreg, … (`headstart methods` lists them), greedy or greedy:METHOD.
        saw: training: learn from ``unlabelled`` and from the images given to ``fit``; unlabelled: only from the former.
        encoder: small, lecture, lecture_flat, mlp, dense, resnet18, patches, transformer, timm:NAME[@hub|@FILE]
            (docs/backbones.md); None is the method's own.
        views: digits, objects, natural, microscopy or identity; None is the rule in docs/views.md.
        epochs: Passes over the images; None is the rule in docs/protocol.md.
        image_size: Side in pixels; None is their own, at most 64.
        seed: Seed of weights and views.
        device: auto, cpu or cuda.

    After ``fit``: ``bundle_`` (which ``save`` writes to disk) and ``n_features_out_``.
    """

    def __init__(
        self,
        unlabelled: Any = None,
        *,
        method: str = "simclr",
        saw: Literal["training", "unlabelled"] = "training",
        encoder: str | None = None,
        views: str | None = None,
        epochs: int | None = None,
        image_size: int | None = None,
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        self.unlabelled, self.method, self.encoder, self.views = unlabelled, method, encoder, views
        self.saw: Literal["training", "unlabelled"] = saw
        self.epochs, self.image_size, self.seed, self.device = epochs, image_size, seed, device

    def fit(self, X: Any, y: Any = None) -> "PretrainedTransformer":  # noqa: N803  (scikit-learn's name)
        """Pretrain. Labels are not looked at.

        Raises:
            UserError: nothing to learn from, images of two kinds, a method that wants labels, or X is not images.
        """
        method = Method(self.method)
        if method.objective.supervised:
            raise UserError(f"method={self.method!r} learns from labels, wanted one that does not: give 'simclr'")
        if self.saw == "unlabelled" and self.unlabelled is None:
            raise UserError("saw='unlabelled' was given without unlabelled images: give unlabelled=, or saw='training'")
        given = load(np.asarray(X))
        parts = [] if self.unlabelled is None else [_without_labels(load(self.unlabelled), given)]
        inputs = Joined([*parts, given.inputs], given.inputs.shape) if self.saw == "training" else parts[0]
        dataset = Dataset(inputs)
        pixels = Pixels.fit(inputs, image_size=self.image_size)
        device = find_device(self.device)
        recipe = Recipe(epochs=self.epochs, seed=self.seed).resolve(method, len(inputs), device=device)
        name, drawn, _ = resolve(self.views, dataset)
        data = TrainingSet.prepared_by(pixels, inputs, views=drawn).sized()
        spec = encoder_spec(self.encoder or method.default_encoder(), data, symmetric=drawn.symmetric)
        fitted = fit_encoder(method, data, spec=spec, recipe=recipe, run=Run(device=device))
        card = Card(
            MethodCard(self.method, hyperparameters=method.plain, recipe=recipe, views=name), self.saw,
            LearnedFrom(dataset.source, dataset.content_hash, len(inputs)),
        )  # fmt: skip
        self.bundle_ = Bundle(fitted.encoder.float(), spec, pixels, card)
        self.n_features_out_ = self.bundle_.dim
        return self

    def transform(self, X: Any) -> np.ndarray:  # noqa: N803
        """(n, dim) float32."""
        check_is_fitted(self)
        return self.bundle_.embed(load(np.asarray(X)), device=find_device(self.device))

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """``h0``, ``h1``, …"""
        return np.array([f"h{i}" for i in range(self.n_features_out_)], dtype=object)


def _without_labels(more: Dataset, given: Dataset) -> Inputs:
    """The images of ``more`` that carry no label; labelled ones may be rows that cross-validation tests on."""
    if not len(more.unlabelled):
        raise UserError(f"unlabelled={more.source} has no image without a label: give images without labels, or None")
    kinds = [f"{part.inputs.dtype.name} with {part.channels} channel(s)" for part in (more, given)]
    if kinds[0] != kinds[1]:
        raise UserError(f"unlabelled images are {kinds[0]}, X holds {kinds[1]}: give both of one kind")
    return Subset(more.inputs, more.unlabelled)
