"""Probe: put a head on a bundle's frozen encoder, and say how good it is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from headstart.data.dataset import Dataset
from headstart.data.duplicates import duplicate_groups
from headstart.data.inputs import Subset
from headstart.data.load import load
from headstart.encoders.device import find_device
from headstart.errors import UserError, unknown
from headstart.evaluation.groups import bound_groups
from headstart.evaluation.outcomes import Outcomes
from headstart.evaluation.splits import Split, make_splits, split_hash
from headstart.representation.bundle import Bundle, load_bundle
from headstart.representation.card import ProbeScore
from headstart.reuse.heads import GRIDS, Head, store
from headstart.training.threads import threads
from headstart.training.workplace import check_free


class Probe(ClassifierMixin, BaseEstimator):
    """A classifier on a bundle's frozen vectors: images in, classes out, as scikit-learn has it.

    Args:
        bundle: The bundle, or its folder.
        head: probe (logistic regression), svm, knn, pca-svm or gaussian-process; each is tuned on the training labels.
        seed: Seed of splits and of the head.
        device: auto, cpu or cuda.

    After ``fit``: ``classes_``, ``class_names_`` and ``head_``. After ``cross_validate``: ``score_``.
    """

    def __init__(
        self, bundle: Bundle | str | Path, *, head: str = "probe", seed: int = 0, device: str = "auto"
    ) -> None:
        self.bundle, self.head, self.seed, self.device = bundle, head, seed, device

    def cross_validate(self, images: Any, y: Any = None, *, folds: int = 5, repeats: int = 4) -> ProbeScore:
        """Score the head on splits with groups, duplicates and prescribed test sets as in a study; nothing is written.

        Args:
            images: Labelled images, as ``load`` takes them; with ``y`` an array.
            y: A label each, where ``images`` holds none.
            folds: Folds a repeat; a split that the source prescribes is honoured instead.
            repeats: How often the folds are drawn anew.

        Raises:
            UserError: the encoder was trained with these labels, so that no score of it would mean anything; no labels,
                one class only, or a class too small.
        """
        given, dataset = self._opened(), _labelled(images, y)
        if given.card.learned_from_labels and given.card.learned(dataset.content_hash):
            raise UserError(
                f"{given.folder or 'this bundle'} has an encoder that was trained with the labels of {dataset.source}, "
                "which cannot score it too: probe it on other images, or use `headstart study`, which keeps test "
                "labels apart"
            )
        h, labels, groups = self._vectors(given, dataset)
        splits = judged_splits(dataset, folds=folds, repeats=repeats, seed=self.seed)
        predicted = [
            self._fitted(h[s.train], labels[s.train], None if groups is None else groups[s.train]).predict(h[s.test])
            for s in splits
        ]
        outcomes = Outcomes(splits, labels, predicted, groups=groups)
        found = outcomes.interval()
        self.score_ = ProbeScore(
            mean=found.mean, low=found.low, high=found.high, folds=tuple(outcomes.folds), n_labels=len(labels),
            head=self.head, saw=given.card.saw, history=_history(given, dataset), split_hash=split_hash(splits),
            source=dataset.source, hash=dataset.content_hash,
        )  # fmt: skip
        return self.score_

    def fit(self, images: Any, y: Any = None) -> "Probe":
        """Fit the head on all labels.

        Args:
            images: Labelled images, as ``load`` takes them; with ``y`` an array.
            y: A label each, where ``images`` holds none.
        """
        given, dataset = self._opened(), _labelled(images, y)
        h, labels, groups = self._vectors(given, dataset)
        self.head_ = self._fitted(h, labels, groups)
        self.classes_, self.class_names_ = self.head_.classes_, dataset.class_names
        with threads(1):
            self._stored = store(self.head_, h, labels, class_names=dataset.class_names)
        return self

    def predict_proba(self, images: Any) -> Float[np.ndarray, "n k"]:
        """Probabilities of ``classes_``, of images as they are stored, one or many, or of what ``load`` takes."""
        check_is_fitted(self, "head_")
        given = images if isinstance(images, np.ndarray) else load(images)
        return self.head_.predict_proba(self._opened().embed(given, device=find_device(self.device)))

    def predict(self, images: Any) -> Int[np.ndarray, " n"]:
        """The most probable label of each image; ``class_names_`` has its name."""
        return self.classes_[self.predict_proba(images).argmax(1)]

    def save(self, folder: str | Path) -> Bundle:
        """Write a new bundle, the same encoder with the head, for ``load_bundle`` and `headstart predict`.

        Raises:
            UserError: the folder holds something.
        """
        check_is_fitted(self, "head_")
        check_free(Path(folder))
        given = self._opened()
        card = replace(given.card, head=self._stored.card, probe=getattr(self, "score_", None))
        return replace(given, card=card, head_tensors=self._stored.tensors).save(folder)

    def _opened(self) -> Bundle:
        if self.head not in GRIDS or self.head == "majority":
            raise unknown("head", self.head, [name for name in GRIDS if name != "majority"])
        return self.bundle if isinstance(self.bundle, Bundle) else load_bundle(self.bundle)

    def _vectors(self, given: Bundle, dataset: Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Vectors, labels and groups of the labelled images."""
        h = given.embed(Subset(dataset.inputs, dataset.labelled), device=find_device(self.device))
        return h, dataset.labels[dataset.labelled], labelled_groups(dataset)

    def _fitted(self, h: np.ndarray, y: np.ndarray, groups: np.ndarray | None) -> Head:
        with threads(1):
            return Head(self.head, seed=self.seed).fit(h, y, groups)


def _labelled(images: Any, y: Any) -> Dataset:
    return load(images) if y is None else load((np.asarray(images), np.asarray(y)))


def _history(given: Bundle, dataset: Dataset) -> str:
    """What the encoder saw, and of which source where that is not the one it is scored on."""
    learned_from = given.card.data
    if given.card.learned(dataset.content_hash):
        return given.card.history
    return f"{given.card.history} ({learned_from.source if learned_from else 'other images'})"


def judged_splits(dataset: Dataset, *, folds: int, repeats: int, seed: int) -> list[Split]:
    """Splits of the labelled images, with groups, duplicates and prescribed test sets as in a study.

    Raises:
        UserError: no labels, one class only, or a class too small.
    """
    rows = dataset.labelled
    return make_splits(
        dataset.labels[rows], folds=folds, repeats=repeats, seed=seed, groups=labelled_groups(dataset),
        prescribed=None if dataset.splits is None else dataset.splits[rows], class_names=dataset.class_names,
    )  # fmt: skip


def labelled_groups(dataset: Dataset) -> np.ndarray | None:
    """(m,) groups of the labelled images, exact duplicates merged, or None where no image is bound to another."""
    rows = dataset.labelled
    groups = None if dataset.groups is None else dataset.groups[rows]
    return bound_groups(groups, duplicate_groups(Subset(dataset.inputs, rows)))
