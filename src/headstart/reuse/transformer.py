"""A scikit-learn transformer that pretrains an encoder where it is fitted, so that cross-validation cannot leak."""

from typing import Any, Literal

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from headstart.data.load import load
from headstart.data.pixels import Pixels
from headstart.encoders.device import find_device
from headstart.errors import UserError
from headstart.representation.bundle import Bundle
from headstart.training.fit import Method, encoder_spec, fit_encoder
from headstart.views.presets import resolve


class PretrainedTransformer(TransformerMixin, BaseEstimator):
    """Images (n, h, w) or (n, h, w, c) to vectors (n, dim), by an encoder pretrained in ``fit``.

    Args:
        unlabelled: More images without labels, of the same kind, or None.
        method: simclr, autoencoder, denoising, greedy or greedy:METHOD.
        saw: training: learn from ``unlabelled`` and from the images given to ``fit``; unlabelled: only from the former.
        encoder: small, lecture, mlp, resnet18, timm:NAME[@hub|@FILE] (docs/backbones.md); None is the method's own.
        views: digits, natural or microscopy; None is the rule in docs/views.md.
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
        self.unlabelled, self.method, self.saw, self.encoder, self.views = unlabelled, method, saw, encoder, views
        self.epochs, self.image_size, self.seed, self.device = epochs, image_size, seed, device

    def fit(self, X: Any, y: Any = None) -> "PretrainedTransformer":  # noqa: N803  (scikit-learn's name)
        """Pretrain. Labels are not looked at.

        Raises:
            UserError: nothing to learn from, or X is not images.
        """
        method = Method.parse(self.method)
        if self.saw == "unlabelled" and self.unlabelled is None:
            raise UserError("saw='unlabelled' was given without unlabelled images: give unlabelled=, or saw='training'")
        given = load(np.asarray(X))
        parts = [] if self.unlabelled is None else [load(self.unlabelled).images]
        images = np.concatenate([*parts, given.images]) if self.saw == "training" else parts[0]
        dataset = load(images)
        pixels = Pixels.fit(images, image_size=self.image_size)
        x = torch.from_numpy(pixels(images))
        recipe = method.recipe(len(x), seed=self.seed).but(epochs=self.epochs)
        name, drawn, _ = resolve(self.views, dataset)
        spec = encoder_spec(self.encoder or method.default_encoder(), x, drawn)
        fitted = fit_encoder(method, x, spec=spec, recipe=recipe, views=drawn, device=find_device(self.device))
        facts = {
            "method": {"name": self.method, "recipe": recipe.card(), "views": name},
            "data": {"source": dataset.source, "hash": dataset.content_hash, "n": len(x)},
            "saw": self.saw,
        }
        self.bundle_ = Bundle(fitted.encoder.float(), spec, pixels, facts)
        self.n_features_out_ = self.bundle_.dim
        return self

    def transform(self, X: Any) -> np.ndarray:  # noqa: N803
        """(n, dim) float32."""
        check_is_fitted(self)
        x = torch.from_numpy(self.bundle_.pixels(load(np.asarray(X)).images))
        return self.bundle_.represent(x, device=find_device(self.device))

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """``h0``, ``h1``, …"""
        return np.array([f"h{i}" for i in range(self.n_features_out_)], dtype=object)
