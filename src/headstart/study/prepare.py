"""Prepare: what a source must have before a study makes sense, and its images as every task will see them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headstart.data.dataset import Dataset
from headstart.data.duplicates import duplicate_groups
from headstart.data.inputs import Inputs, Subset
from headstart.data.load import load
from headstart.data.pixels import Pixels
from headstart.encoders.build import SMALLEST
from headstart.errors import UserError
from headstart.evaluation.groups import bound_groups
from headstart.study.records import Seen
from headstart.views.presets import resolve
from headstart.views.views import Views


@dataclass(frozen=True)
class Prepared:
    """A source ready to be studied.

    twins: (n,) equal numbers are exact duplicates. bound: (n,) groups and duplicates
    merged, or None without groups. groups: (m,) the same of the labelled rows among themselves, or None.
    prescribed: (m,) splits of the source, or None. saw: what encoders may see.
    """

    dataset: Dataset
    pixels: Pixels
    twins: np.ndarray
    bound: np.ndarray | None
    groups: np.ndarray | None
    prescribed: np.ndarray | None
    saw: Seen
    views_name: str
    views: Views
    views_reason: str


def prepare(source: Any, *, image_size: int | None, views: str | None, saw: Seen | None, seed: int) -> Prepared:
    """Load and check a source.

    Raises:
        UserError: no labels, one class only, images too small, or nothing of what encoders are to see.
    """
    dataset = _used_classes(load(source, seed=seed))
    pixels = Pixels.fit(_seen(dataset), image_size=image_size, per_image=dataset.per_image)
    if min(pixels.size) < SMALLEST:
        raise UserError(
            f"{dataset.source}: images of {pixels.size[0]}×{pixels.size[1]} pixels, networks want at least "
            f"{SMALLEST}×{SMALLEST}: enlarge them with --image-size {SMALLEST}"
        )
    if saw == "unlabelled" and not len(dataset.unlabelled):
        raise UserError(f"{dataset.source} has no unlabelled images for encoders to see: use --saw training")
    name, drawn, reason = resolve(views, dataset)
    twins = duplicate_groups(dataset.inputs)
    labelled = dataset.labelled
    known = dataset.groups
    groups = None if known is None else known[labelled]
    return Prepared(
        dataset, pixels, twins, None if known is None else bound_groups(known, twins),
        bound_groups(groups, twins[labelled]),
        None if dataset.splits is None else dataset.splits[labelled],
        saw or ("unlabelled" if len(dataset.unlabelled) else "training"), name, drawn, reason,
    )  # fmt: skip


def _seen(dataset: Dataset) -> Inputs:
    """The images whose range of intensities sets the scale: the unlabelled ones where there are some."""
    return Subset(dataset.inputs, dataset.unlabelled) if len(dataset.unlabelled) else dataset.inputs


def _used_classes(dataset: Dataset) -> Dataset:
    """The data set with its classes numbered 0..k-1, those without an image left out."""
    used = np.unique(dataset.labels[dataset.labelled])
    if not len(used):
        raise UserError(
            f"{dataset.source} has {len(dataset)} images and no labels: a study wants some of each class labelled"
        )
    if len(used) == 1:
        raise UserError(
            f"{dataset.source} has labels of one class only, {dataset.class_names[used[0]]!r}: a study wants two"
        )
    if len(used) == len(dataset.class_names):
        return dataset
    labels = np.where(dataset.labels < 0, -1, np.searchsorted(used, dataset.labels))
    return replace(dataset, labels=labels, class_names=tuple(dataset.class_names[i] for i in used))
