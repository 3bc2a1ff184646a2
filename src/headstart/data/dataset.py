"""A dataset is images with whatever labels they happen to have."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from headstart.data.images import as_images
from headstart.data.inputs import Images, Inputs, as_inputs, own_content
from headstart.data.labels import MISSING, class_labels, one_each
from headstart.data.labels import groups as read_groups
from headstart.data.labels import splits as read_splits


class Numbered(Sequence[str]):
    """Names made when they are asked for: "unlabelled/0", "unlabelled/1", …, "labelled/0", … by how many of each."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.counts = dict(counts)

    def __len__(self) -> int:
        return sum(self.counts.values())

    def __getitem__(self, place: Any) -> Any:
        """A name, or the names of a slice."""
        if isinstance(place, slice):
            return tuple(self[i] for i in range(*place.indices(len(self))))
        place = int(place) + len(self) * (place < 0)
        for name, count in self.counts.items():
            if 0 <= place < count:
                return f"{name}/{place}"
            place -= count
        raise IndexError("no such example")

    def __iter__(self) -> Iterator[str]:
        return (f"{name}/{i}" for name, count in self.counts.items() for i in range(count))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(str.__eq__, self, other))

    __hash__ = None  # pyright: ignore[reportAssignmentType]


@dataclass(frozen=True, eq=False, init=False)
class Dataset:
    """Examples and what is known of them. Nothing is invented: an unknown label, group or split stays missing.

    inputs: images (n, h, w) or (n, h, w, c), in memory or memory-mapped, or any ``Inputs``.
    labels: (n,) int64, an index into ``class_names``; -1 is a missing label. They are given as anything that ``load``
        takes; None is no label at all.
    ids: (n,) names: the relative path, or "labelled/17"; None: "images/0", "images/1", …
    class_names: one a class; without them, the distinct labels are the classes.
    groups: (n,) int64 or None: equal numbers belong together (one patient, one field of view); -1 is no group.
    splits: (n,) of "train", "test" or "" (not given), or None: splits that the source itself prescribes.
    factors: name -> (n,) array of a generative factor, where the source knows it (drawn shapes).
    per_image: scale each image by its own range of intensities, not by the data set's (``Pixels.fit`` is told so).
    notes: one sentence each on what a reader of any result must know (drawn, files skipped, sizes mixed).
    """

    inputs: Inputs
    labels: np.ndarray
    ids: Sequence[str]
    class_names: tuple[str, ...]
    source: str
    groups: np.ndarray | None
    splits: np.ndarray | None
    factors: Mapping[str, np.ndarray]
    notes: tuple[str, ...]
    per_image: bool

    def __init__(
        self, inputs: Inputs | np.ndarray, labels: Any = None, ids: Sequence[str] | None = None,
        class_names: Sequence[str] = (), source: str = "arrays", *, groups: Any = None, splits: Any = None,
        factors: Mapping[str, np.ndarray] | None = None, notes: tuple[str, ...] = (), per_image: bool = False,
    ) -> None:  # fmt: skip
        """Bring what is given into these types.

        Raises:
            UserError: images, labels, groups or splits that cannot be read as such, or not one for each image.
        """
        given = as_inputs(as_images(inputs) if isinstance(inputs, np.ndarray) else inputs)
        n = len(given)
        if labels is None:
            labels = np.broadcast_to(np.int64(MISSING), (n,))
        elif not class_names or np.asarray(labels).dtype != np.int64:
            labels, class_names = class_labels(one_each(labels, n, "labels"), class_names or None)
        if groups is not None and np.asarray(groups).dtype != np.int64:
            groups = read_groups(one_each(groups, n, "groups"))
        if splits is not None and np.asarray(splits).dtype.kind != "U":
            splits = read_splits(one_each(splits, n, "splits"))
        fields = {
            "inputs": given, "labels": np.asarray(labels), "ids": Numbered({"images": n}) if ids is None else ids,
            "class_names": tuple(class_names), "source": source, "groups": groups, "splits": splits,
            "factors": factors or {}, "notes": notes, "per_image": per_image,
        }  # fmt: skip
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def images(self) -> np.ndarray:
        """(n, h, w, c), every image as stored; of several sizes, fitted into one, which makes a copy."""
        return self.inputs.array if isinstance(self.inputs, Images) else self.inputs.read(slice(None))

    @property
    def channels(self) -> int:
        """Numbers a pixel has."""
        return int(self.inputs.shape[2])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels; of several sizes, those that images are fitted into where no other is asked."""
        return int(self.inputs.shape[0]), int(self.inputs.shape[1])

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
        shape = (len(self), *self.inputs.shape)
        digest = hashlib.sha256(f"{shape}{self.inputs.dtype}{self.class_names}".encode())
        for part in own_content(self.inputs):
            digest.update(np.ascontiguousarray(part).data)
        digest.update(np.ascontiguousarray(self.labels).data)
        for given in (self.groups, self.splits):
            digest.update(b"none" if given is None else np.ascontiguousarray(given).tobytes())
        return digest.hexdigest()
