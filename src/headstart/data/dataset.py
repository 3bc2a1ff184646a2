"""A dataset is images with whatever labels they happen to have."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

MISSING = -1


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and what is known of them. Nothing is invented: an unknown label, group or split stays missing.

    images: (n, h, w, c) uint8, uint16 or float32, in memory or memory-mapped.
    labels: (n,) int64, an index into ``class_names``; -1 is a missing label.
    ids: (n,) names: the relative path, or "labelled/17".
    groups: (n,) int64 or None: equal numbers belong together (one patient, one field of view); -1 is no group.
    splits: (n,) of "train", "test" or "" (not given), or None: splits that the source itself prescribes.
    factors: name -> (n,) array of a generative factor, where the source knows it (drawn shapes).
    per_image: scale each image by its own range of intensities, not by the data set's (``Pixels.fit`` is told so).
    notes: one sentence each on what a reader of any result must know (drawn, files skipped, sizes mixed).
    """

    images: np.ndarray
    labels: np.ndarray
    ids: tuple[str, ...]
    class_names: tuple[str, ...]
    source: str
    groups: np.ndarray | None = None
    splits: np.ndarray | None = None
    factors: Mapping[str, np.ndarray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    per_image: bool = False

    def __len__(self) -> int:
        return len(self.images)

    @property
    def channels(self) -> int:
        """Numbers a pixel has."""
        return int(self.images.shape[3])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(self.images.shape[1]), int(self.images.shape[2])

    @cached_property
    def labelled(self) -> np.ndarray:
        """Indices of the images that carry a label."""
        return np.flatnonzero(self.labels != MISSING)

    @cached_property
    def unlabelled(self) -> np.ndarray:
        """Indices of the images without a label."""
        return np.flatnonzero(self.labels == MISSING)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of images, labels, groups and prescribed splits: equal content, equal hash, whatever the source."""
        digest = hashlib.sha256(f"{self.images.shape}{self.images.dtype}{self.class_names}".encode())
        digest.update(np.ascontiguousarray(self.images).data)
        digest.update(np.ascontiguousarray(self.labels).data)
        for given in (self.groups, self.splits):
            digest.update(b"none" if given is None else np.ascontiguousarray(given).tobytes())
        return digest.hexdigest()
