"""Where long work keeps its state until it is done: OUT.partial, which becomes OUT in one step."""

import os
import shutil
from pathlib import Path

from headstart.errors import UserError


def partial(out: Path) -> Path:
    """The folder of working state beside ``out``."""
    return out.with_name(out.name + ".partial")


def claim(out: Path, *, marker: str, resume: bool) -> Path | None:
    """The working folder for ``out``, made; or None where ``out`` is finished, which its ``marker`` file tells.

    Raises:
        UserError: ``out`` holds something else, cannot be written, or is unfinished and ``resume`` was not said.
    """
    working = partial(out)
    if (out / marker).is_file():
        return None
    check_free(out)
    if working.exists() and not resume:
        raise UserError(f"{working} holds an unfinished run: add --resume to continue it, or delete it to start anew")
    try:
        working.mkdir(parents=True, exist_ok=True)
        (working / ".writable").touch()
    except OSError as error:
        raise UserError(f"cannot write to {working} ({error.strerror}): choose another --out") from None
    return working


def check_free(out: Path) -> None:
    """Refuse a folder that holds something."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} exists and holds something else: choose another --out, or empty it")


def publish(working: Path, out: Path, *, without: str) -> None:
    """Make the finished working folder the result, ``without`` the part that only resuming needed."""
    (working / ".writable").unlink(missing_ok=True)
    discard(working / without)
    if out.is_dir():
        out.rmdir()
    os.replace(working, out)


def discard(path: Path) -> None:
    """Remove a file or folder of working state, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
