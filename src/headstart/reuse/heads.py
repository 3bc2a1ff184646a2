"""Heads: small classifiers on frozen vectors, each tuned over six candidates by inner cross-validation."""

import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from headstart.errors import unknown
from headstart.evaluation.statistics import score
from headstart.representation.card import HeadCard
from headstart.training.threads import threads

GRIDS: dict[str, list[dict[str, float]]] = {
    "majority": [{}],
    "knn": [{"k": k} for k in (1, 3, 5, 7, 11, 15)],
    "probe": [{"c": c} for c in (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)],
    "svm": [{"c": c, "width": w} for c in (1.0, 10.0, 100.0) for w in (1.0, 3.0)],
    "pca-svm": [{"c": c, "components": d} for d in (10, 20, 40) for c in (1.0, 10.0)],
    "gaussian-process": [{"width": w} for w in (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)],
}
INNER_FOLDS = 5
# Kernels grow with n² and n³: beyond so many labels, so many are drawn by the seed, in proportion to the classes.
LIMITS = {"svm": 2000, "pca-svm": 2000, "gaussian-process": 300}


class Head(ClassifierMixin, BaseEstimator):
    """A classifier on vectors, in scikit-learn's shape.

    kind: majority, knn, probe (multinomial logistic regression), svm (RBF), pca-svm or gaussian-process.
    The candidates are compared by inner cross-validation on the training labels, with the same folds for all. The best
    score is chosen; for a probe, the likeliest candidate of those within a standard error of it, since scores of a few
    labels are coarse. With a single label in a class nothing can be held out, and the third candidate is taken.

    After ``fit``: ``classes_``, ``best_`` (the candidate), ``selection_`` (its inner score, balanced accuracy;
    chance where nothing could be held out).
    """

    def __init__(self, kind: str = "probe", *, seed: int = 0, metric: str = "balanced_accuracy") -> None:
        self.kind, self.seed, self.metric = kind, seed, metric

    def fit(self, h: Float[np.ndarray, "n d"], y: Int[np.ndarray, " n"], groups: np.ndarray | None = None) -> "Head":
        """Choose a candidate by inner cross-validation, keeping ``groups`` together, and fit it on everything."""
        if self.kind not in GRIDS:
            raise unknown("head", self.kind, GRIDS)
        h, y = np.asarray(h, np.float64), np.asarray(y)
        self.classes_ = np.unique(y)
        h, y, groups = self._limited(h, y, groups)
        grid = GRIDS[self.kind]
        # A probe is thousands of small products: more threads, of two libraries in turns, take up to 20 times as long.
        with threads(1) if self.kind == "probe" else nullcontext():
            scores, likelihoods = self._inner(h, y, groups, grid)
            best = _chosen(scores, likelihoods) if scores.size else min(2, len(grid) - 1)
            self.best_ = grid[best]
            self.selection_ = float(scores[best].mean()) if scores.size else 1 / len(self.classes_)
            self.model_ = _fitted(self.kind, self.best_, h, y)
        self.n_features_in_ = h.shape[1]
        return self

    def predict_proba(self, h: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
        """Probabilities of ``classes_``; an SVM's are the softmax of its decision values."""
        h = np.asarray(h, np.float64)
        if not hasattr(self.model_, "decision_function") or self.kind in ("probe", "gaussian-process"):
            return self.model_.predict_proba(h)
        value = self.model_.decision_function(h)
        value = np.stack([-value, value], 1) if value.ndim == 1 else value
        value = np.exp(value - value.max(1, keepdims=True))
        return value / value.sum(1, keepdims=True)

    def predict(self, h: Float[np.ndarray, "n d"]) -> Int[np.ndarray, " n"]:
        """The most probable class."""
        return self.classes_[self.predict_proba(h).argmax(1)]

    def _limited(self, h: np.ndarray, y: np.ndarray, groups: np.ndarray | None) -> tuple[Any, Any, Any]:
        limit = LIMITS.get(self.kind, len(y))
        if len(y) <= limit:
            return h, y, groups
        order = np.random.default_rng(self.seed).permutation(len(y))
        order = order[np.argsort(y[order], kind="stable")]
        kept = order[np.linspace(0, len(y) - 1, limit).round().astype(int)]
        return h[kept], y[kept], None if groups is None else groups[kept]

    def _inner(
        self, h: np.ndarray, y: np.ndarray, groups: np.ndarray | None, grid: list[dict[str, float]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Scores and mean log-likelihoods, (candidates, folds); likelihoods are those of a probe, otherwise zero."""
        folds = inner_folds(y, groups, self.seed)
        scores, likelihoods = np.zeros((len(grid), len(folds))), np.zeros((len(grid), len(folds)))
        for j, (train, test) in enumerate(folds):
            for i, candidate in enumerate(grid):
                model = _fitted(self.kind, candidate, h[train], y[train])
                scores[i, j] = score(self.metric, y[test], model.predict(h[test]), self.classes_)
                if self.kind == "probe":
                    given = model.predict_proba(h[test])
                    given = given[np.arange(len(test)), np.searchsorted(self.classes_, y[test])]
                    likelihoods[i, j] = np.log(given.clip(1e-15)).mean()
        return scores, likelihoods


def _chosen(scores: Float[np.ndarray, "c f"], likelihoods: Float[np.ndarray, "c f"]) -> int:
    """The best candidate's number; by likelihood among those within one standard error (Breiman et al. 1984)."""
    means = scores.mean(1)
    best = int(means.argmax())
    if not likelihoods.any():
        return best
    near = means >= means[best] - scores[best].std(ddof=1) / np.sqrt(scores.shape[1])
    return int(np.where(near, likelihoods.mean(1), -np.inf).argmax())


def inner_folds(y: np.ndarray, groups: np.ndarray | None, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """At most five stratified folds, fewer for small classes; none where a class has a single label."""
    folds = min(INNER_FOLDS, int(np.unique(y, return_counts=True)[1].min()))
    if folds < 2:
        return []
    if groups is None:
        return list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(y, y))
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", UserWarning
        )  # a class may sit in fewer groups than folds: its folds are dropped
        found = list(StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(y, y, groups))
    return [(a, b) for a, b in found if len(b) and len(np.unique(y[a])) == len(np.unique(y))]


def _fitted(kind: str, candidate: dict[str, float], h: np.ndarray, y: np.ndarray) -> Any:
    model = _candidate(kind, candidate, h)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ConvergenceWarning
        )  # a candidate that does not converge is judged like any other
        return model.fit(h, y)


def _candidate(kind: str, candidate: dict[str, float], h: np.ndarray) -> Any:
    n, d = h.shape
    if kind == "majority":
        return DummyClassifier(strategy="most_frequent")
    if kind == "knn":
        return KNeighborsClassifier(n_neighbors=min(int(candidate["k"]), n), weights="distance")
    if kind == "probe":
        # With an L2 penalty the solution lies in the span of the images: rotating onto it changes nothing but the time.
        rotation = [PCA(n - 1, svd_solver="full")] if 2 < n <= d else []
        return make_pipeline(StandardScaler(), *rotation, LogisticRegression(C=candidate["c"], max_iter=300))
    if kind == "svm":
        return make_pipeline(_Scale(), _rbf_svm(candidate["c"], 1 / candidate["width"]))
    if kind == "pca-svm":
        components = PCA(min(int(candidate["components"]), n - 1, d), random_state=0)
        return make_pipeline(components, _Scale(), _rbf_svm(candidate["c"], 1.0))
    kernel = RBF(length_scale=candidate["width"], length_scale_bounds="fixed")  # nothing to optimise: the grid chooses
    return make_pipeline(_Scale(), GaussianProcessClassifier(kernel))


def _rbf_svm(c: float, gamma: Any) -> SVC:
    return SVC(C=c, gamma=gamma)


class _Scale(BaseEstimator):
    """Centre, and divide by the root of the total variance: two random rows are then at squared distance two."""

    def fit(self, h: np.ndarray, y: np.ndarray | None = None) -> "_Scale":
        self.mean_ = h.mean(0)
        self.scale_ = float(np.sqrt(h.var(0).sum())) or 1.0
        return self

    def transform(self, h: np.ndarray) -> np.ndarray:
        return (h - self.mean_) / self.scale_

    def fit_transform(self, h: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        return self.fit(h).transform(h)


@dataclass(frozen=True)
class StoredHead:
    """A head as a bundle keeps it."""

    card: HeadCard
    tensors: dict[str, torch.Tensor]


def store(
    head: Head, h: np.ndarray, y: np.ndarray, *, class_names: Sequence[str], temperature: float = 1.0
) -> StoredHead:
    """A fitted head without pickling: the probe as weights, the others as the labels they are fitted on anew."""
    card = HeadCard(head.kind, tuple(class_names), temperature, head.best_, head.selection_, head.seed)
    classes = torch.from_numpy(np.asarray(head.classes_, np.int64))
    if head.kind == "probe":
        weight, bias = _affine(head.model_)
        return StoredHead(
            card, {"classes": classes, "weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)}
        )
    kept_h, kept_y, _ = head._limited(np.asarray(h, np.float64), np.asarray(y), None)
    data = {"h": torch.from_numpy(kept_h.astype(np.float32)), "y": torch.from_numpy(kept_y.astype(np.int64))}
    return StoredHead(card, {"classes": classes, **data})


class LinearHead:
    """softmax(W h + b), as a probe is stored."""

    def __init__(self, weight: np.ndarray, bias: np.ndarray) -> None:
        self.weight, self.bias = weight, bias

    @classmethod
    def of(cls, layer: torch.nn.Module) -> "LinearHead":
        """A trained linear layer's."""
        weight, bias = (layer.get_parameter(name).detach().cpu().double().numpy() for name in ("weight", "bias"))
        return cls(weight, bias)

    def predict_proba(self, h: np.ndarray) -> np.ndarray:
        """Probabilities of the classes."""
        value = np.asarray(h, np.float64) @ self.weight.T + self.bias
        value = np.exp(value - value.max(1, keepdims=True))
        return value / value.sum(1, keepdims=True)


def restore(stored: StoredHead) -> "Head | LinearHead":
    """What ``store`` kept, ready to predict."""
    card, tensors = stored.card, stored.tensors
    if card.kind in ("probe", "finetune"):
        return LinearHead(tensors["weight"].double().numpy(), tensors["bias"].double().numpy())
    head = Head(card.kind, seed=card.seed)
    h, y = tensors["h"].double().numpy(), tensors["y"].numpy()
    head.classes_, head.best_, head.selection_ = np.unique(y), dict(card.best), card.selection or 0.0
    head.model_ = _fitted(head.kind, head.best_, h, y)
    return head


def _affine(model: Any) -> tuple[np.ndarray, np.ndarray]:
    """Scaler, rotation and logistic regression folded into one (k, d) matrix and one bias."""
    logistic = model[-1]
    weight, bias = logistic.coef_, logistic.intercept_
    if len(weight) == 1:
        weight, bias = np.concatenate([np.zeros_like(weight), weight]), np.concatenate([np.zeros(1), bias])
    if len(model) == 3:
        rotation = model[1]
        bias = bias - weight @ rotation.components_ @ rotation.mean_
        weight = weight @ rotation.components_
    scaler = model[0]
    weight = weight / scaler.scale_
    return weight, bias - weight @ scaler.mean_
