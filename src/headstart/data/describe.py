"""What a source holds, in plain lines: the verb `headstart data SOURCE`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from headstart.data.dataset import Dataset
from headstart.data.duplicates import duplicate_groups
from headstart.data.inputs import extent
from headstart.data.labels import MISSING
from headstart.data.load import read_source


def describe(source: Any, *, data_root: str | Path | None = None) -> str:
    """Counts, sizes, classes, groups, splits, duplicates and notes of a source, a line each.

    Args:
        source: What to describe: a name (digits, cells, mnist, …), an .npz file, a folder, a Parquet file.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA.
    """
    dataset = read_source(source, data_root=data_root)
    rows = [*_images(dataset), *_classes(dataset), *_parts(dataset), ("duplicates", _duplicates(dataset))]
    rows += [("note", note) for note in dataset.notes] + [("content", dataset.content_hash)]
    return "\n".join([dataset.source, *(f"  {name:<12}{text}" for name, text in rows)])


def _images(dataset: Dataset) -> Iterator[tuple[str, str]]:
    h, w = dataset.size
    low, high = extent(dataset.inputs)
    yield (
        "images",
        f"{len(dataset):,} of {w}×{h} pixels, {_count(dataset.channels, 'channel')}, {dataset.inputs.dtype}, "
        f"{low:g} to {high:g}",
    )
    yield "labelled", f"{len(dataset.labelled):,}; unlabelled {len(dataset.unlabelled):,}"


def _classes(dataset: Dataset) -> Iterator[tuple[str, str]]:
    counts = np.bincount(dataset.labels[dataset.labelled], minlength=len(dataset.class_names))
    for i, (name, count) in enumerate(zip(dataset.class_names, counts, strict=True)):
        yield "" if i else "classes", f"{name}: {count:,}"


def _parts(dataset: Dataset) -> Iterator[tuple[str, str]]:
    if dataset.groups is None:
        yield "groups", "none given"
    else:
        yield "groups", f"{len(np.unique(dataset.groups[dataset.groups != MISSING])):,}"
    if dataset.splits is None:
        yield "splits", "none given"
    else:
        yield (
            "splits",
            ", ".join(f"{p or 'not given'} {(dataset.splits == p).sum():,}" for p in np.unique(dataset.splits)),
        )


def _duplicates(dataset: Dataset) -> str:
    group = duplicate_groups(dataset.inputs)
    sizes = np.bincount(group)
    repeated = np.flatnonzero(sizes > 1)
    if not len(repeated):
        return "none"
    known = dataset.labels != MISSING
    both = np.intersect1d(np.intersect1d(group[known], group[~known]), repeated)
    pairs = np.unique(np.stack([group[known], dataset.labels[known]]), axis=1)[0]
    conflicting = (np.bincount(pairs, minlength=len(sizes)) > 1).sum()
    text = f"{_count(len(repeated), 'image')} found {sizes[repeated].sum():,} times in all"
    text += f"; {len(both):,} both with and without label" if len(both) else ""
    return text + (f"; {conflicting:,} with different labels" if conflicting else "")


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
