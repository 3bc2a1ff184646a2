"""Data: what is in these images?"""


def data(source: str, *, data_root: str | None = None) -> str:
    """Counts, sizes, classes, groups, splits, duplicates and notes of a source, a line each.

    Args:
        source: What to describe: a name (digits, cells, mnist, …), an .npz file, a folder, a Parquet file.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA.
    """
    from headstart.data.describe import describe

    return describe(source, data_root=data_root)
