"""Probe: put a head on a bundle's frozen encoder, and say how good it is."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.errors import UserError, unknown

if TYPE_CHECKING:
    import numpy as np

    from headstart.data.dataset import Dataset
    from headstart.evaluation.splits import Split
    from headstart.representation.bundle import Bundle


def probe(
    bundle: str | Path,
    source: Any,
    *,
    out: Path | None = None,
    head: str = "probe",
    folds: int = 5,
    repeats: int = 4,
    seed: int = 0,
    device: str = "auto",
    data_root: str | None = None,
) -> "dict[str, Any]":
    """Score a head on a bundle's frozen vectors by cross-validation; with ``out``, fit it on all labels and keep it.

    Args:
        bundle: The bundle's folder.
        source: Labelled images: a name, an .npz file, a folder, a Parquet file.
        out: Folder for a new bundle, the same encoder with the head; default: nothing is written.
        head: probe (logistic regression), svm, knn, pca-svm or gaussian-process.
        folds: Folds a repeat; a split that the source prescribes is honoured instead.
        repeats: How often the folds are drawn anew.
        seed: Seed of the splits.
        device: auto, cpu or cuda.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA.

    Returns:
        "balanced_accuracy" (mean), "low", "high", "folds", "n_labels", "head"; "saw", as on the card, and "history",
        the same in words; "split_hash", equal where a study split the labels in the same way; "bundle", the new
        one's folder, or None.

    Raises:
        UserError: the encoder was trained with these labels, so that no score of it would mean anything.
    """
    from headstart.data.inputs import Subset
    from headstart.data.load import load
    from headstart.encoders.device import find_device
    from headstart.evaluation.outcomes import Outcomes
    from headstart.evaluation.splits import split_hash
    from headstart.representation.bundle import load_bundle
    from headstart.representation.embed import check_writable
    from headstart.reuse.heads import GRIDS, Head, store
    from headstart.training.threads import threads
    from headstart.training.workplace import check_free

    if head not in GRIDS or head == "majority":
        raise unknown("head", head, [name for name in GRIDS if name != "majority"])
    given = load_bundle(bundle)
    if out is not None:
        check_free(Path(out))
        check_writable(Path(out) / "card.json")
    dataset = load(source, data_root=data_root)
    _check_unseen(given, dataset)
    y = dataset.labels[dataset.labelled]
    h = given.embed(Subset(dataset.inputs, dataset.labelled), device=find_device(device))
    groups = labelled_groups(dataset)
    splits = judged_splits(dataset, folds=folds, repeats=repeats, seed=seed)
    predicted = []
    for split in splits:
        with threads(1):
            fitted = Head(head, seed=seed).fit(
                h[split.train], y[split.train], None if groups is None else groups[split.train]
            )
            predicted.append(fitted.predict(h[split.test]))
    outcomes = Outcomes(splits, y, predicted, groups=groups)
    found = outcomes.interval()
    result = {
        "balanced_accuracy": found.mean, "low": found.low, "high": found.high, "folds": outcomes.folds,
        "n_labels": len(y), "head": head,
        "saw": given.facts.get("saw"), "split_hash": split_hash(splits),
    }  # fmt: skip
    history = _history(given, dataset)
    if out is None:
        return {**result, "history": history, "bundle": None}
    with threads(1):
        stored = store(Head(head, seed=seed).fit(h, y, groups), h, y)
    facts = {**given.facts, "probe": {"source": dataset.source, "hash": dataset.content_hash, **result}}
    named = {**stored.facts, "class_names": list(dataset.class_names)}
    replace(given, facts=facts, head=named, head_tensors=stored.tensors).save(Path(out))
    return {**result, "history": history, "bundle": str(out)}


def _check_unseen(given: "Bundle", dataset: "Dataset") -> None:
    from headstart.representation.bundle import learned_from_labels

    if learned_from_labels(given.facts) and _is_source(given, dataset):
        raise UserError(
            f"{given.folder} has an encoder that was trained with the labels of {dataset.source}, which cannot score "
            "it too: probe it on other images, or use `headstart study`, which keeps test labels apart"
        )


def _history(given: "Bundle", dataset: "Dataset") -> str:
    """What the encoder saw, and of which source where that is not the one it is scored on."""
    from headstart.representation.bundle import history

    other = "" if _is_source(given, dataset) else f" ({given.facts.get('data', {}).get('source', 'other images')})"
    return history(given.facts) + other


def _is_source(given: "Bundle", dataset: "Dataset") -> bool:
    return given.facts.get("data", {}).get("hash") == dataset.content_hash


def judged_splits(dataset: "Dataset", *, folds: int, repeats: int, seed: int) -> "list[Split]":
    """Splits of the labelled images, with groups, duplicates and prescribed test sets as in a study.

    Raises:
        UserError: no labels, one class only, or a class too small.
    """
    from headstart.evaluation.splits import make_splits

    rows = dataset.labelled
    return make_splits(
        dataset.labels[rows], folds=folds, repeats=repeats, seed=seed, groups=labelled_groups(dataset),
        prescribed=None if dataset.splits is None else dataset.splits[rows], class_names=dataset.class_names,
    )  # fmt: skip


def labelled_groups(dataset: "Dataset") -> "np.ndarray | None":
    """(m,) groups of the labelled images, exact duplicates merged, or None where no image is bound to another."""
    from headstart.data.duplicates import duplicate_groups
    from headstart.data.inputs import Subset
    from headstart.evaluation.groups import bound_groups

    rows = dataset.labelled
    groups = None if dataset.groups is None else dataset.groups[rows]
    return bound_groups(groups, duplicate_groups(Subset(dataset.inputs, rows)))
