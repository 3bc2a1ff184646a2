"""Predict: classify images."""

from pathlib import Path

SHOWN = 20  # predictions that fit on a screen


def predict(
    bundle: Path, *sources: str, out: Path | None = None, device: str = "auto", data_root: str | None = None
) -> str:
    """Classify images with a bundle's head.

    Args:
        bundle: The bundle's folder, of a `headstart probe` or a study's winner.
        sources: Image files, folders, .npz files or other sources.
        out: CSV file to write: id,label,class_name,confidence.
        device: auto, cpu or cuda.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA.
    """
    from headstart.report.words import aligned
    from headstart.reuse.predict import predict

    found = predict(bundle, *sources, out=out, device=device, data_root=data_root)
    if out:
        return f"{len(found)} predictions, least certain first, in {out}"
    rows = [(one.id, one.class_name, f"{one.confidence:.3f}") for one in found[:SHOWN]]
    more = f"\n… and {len(found) - SHOWN} more: --out FILE.csv writes all" if len(found) > SHOWN else ""
    return aligned([("id", "class", "confidence"), *rows]) + more
