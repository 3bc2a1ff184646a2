"""Room: how much memory and disk there is, so that what cannot fit is refused before any work."""

import os
import shutil
from pathlib import Path

from headstart.errors import UserError


def free_memory() -> int:
    """Bytes that can be had without swapping, as the system says; half of all memory where it does not say."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        return 1024 * int(next(line.split()[1] for line in lines if line.startswith("MemAvailable:")))
    except (OSError, StopIteration):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def check_memory(size: int, what: str) -> None:
    """Refuse work that takes more memory than there is.

    Raises:
        UserError: it names what would take it, and how much.
    """
    if size > (free := free_memory()):
        raise UserError(f"{what} would take {size / 1e9:.1f} GB of memory, and there are {free / 1e9:.1f} GB")


def check_disk(folder: Path, size: int, what: str) -> None:
    """Refuse to write what does not fit on a folder's disk; the folder may not be there yet.

    Raises:
        UserError: it names what would take the room, and how much.
    """
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    if size > (free := shutil.disk_usage(there).free):
        raise UserError(f"{what} would take {size / 1e9:.1f} GB in {folder}, and {free / 1e9:.1f} GB are free there")
