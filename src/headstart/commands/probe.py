"""Probe: put a classifier on a pretrained encoder, and score it."""

from pathlib import Path


def probe(
    bundle: Path,
    source: str,
    *,
    out: Path | None = None,
    head: str = "probe",
    folds: int = 5,
    repeats: int = 4,
    seed: int = 0,
    device: str = "auto",
    data_root: str | None = None,
) -> str:
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
    """
    from headstart.data.load import load
    from headstart.representation.bundle import load_bundle
    from headstart.representation.embed import check_writable
    from headstart.reuse.probe import Probe
    from headstart.training.workplace import check_free

    model = Probe(load_bundle(bundle), head=head, seed=seed, device=device)
    if out is not None:
        check_free(out)
        check_writable(out / "card.json")
    images = load(source, data_root=data_root)
    score = model.cross_validate(images, folds=folds, repeats=repeats)
    if out is None:
        return f"{score}\nhead {head!r}, kept nowhere: --out FOLDER keeps it"
    model.fit(images).save(out)
    return f"{score}\nhead {head!r}, fitted on all of them, is in {out}"
