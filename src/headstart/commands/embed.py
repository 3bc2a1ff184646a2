"""Embed: turn every image into a vector."""

from pathlib import Path


def embed(
    bundle: Path, source: str, *, out: Path | None = None, device: str = "auto", data_root: str | None = None
) -> str:
    """The representation of every image of a source, and a Parquet file of it where ``out`` is given.

    Args:
        bundle: The bundle's folder.
        source: What to embed: a name (digits, cells, mnist, …), an .npz file, a folder, a Parquet file.
        out: Parquet file to write: id, h (fixed-size float32 list), label; class names in its metadata.
        device: auto, cpu or cuda.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA.
    """
    from headstart.data.load import load
    from headstart.representation.bundle import load_bundle
    from headstart.representation.embed import check_writable, embed

    given = load_bundle(bundle)
    if out is not None:
        check_writable(out)
    n, width = embed(given, load(source, data_root=data_root), out=out, device=device).shape
    kept = f"in {out}" if out else "kept nowhere: --out z.parquet writes them"
    return f"{n} vectors of width {width}, {kept}"
