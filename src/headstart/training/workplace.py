"""Where long work keeps its state until it is done: OUT.partial, which becomes OUT in one step."""

import os
import shutil
from pathlib import Path

from headstart.errors import UserError

_SIGN = ".writable"  # says which kind of result is being made; in the working folder before anything else


def partial(out: Path) -> Path:
    """The folder of working state beside ``out``.

    Raises:
        UserError: ``out`` has no name of its own, as . and / have none.
    """
    if not out.name:
        raise UserError(f"--out {out} has no name that a new folder could get: give one, such as {out / 'result'}")
    return out.with_name(out.name + ".partial")


def claim(out: Path, *, marker: str, resume: bool) -> Path | None:
    """The working folder for ``out``, made; or None where ``out`` is finished, which its ``marker`` file tells.

    Raises:
        UserError: ``out`` holds something else, so does the working folder, ``out`` cannot be written, or it is
            unfinished and ``resume`` was not said.
    """
    if (out / marker).is_file():
        return None
    working = partial(out)
    check_free(out)
    try:
        if working.exists():
            _check_unfinished(working, marker, resume=resume)
        working.mkdir(parents=True, exist_ok=True)
        (working / _SIGN).write_text(marker)
    except OSError as error:
        raise UserError(f"cannot write to {working} ({error.strerror}): choose another --out") from None
    return working


def _check_unfinished(working: Path, marker: str, *, resume: bool) -> None:
    """Refuse a working folder that ``claim`` did not make for this kind of result, and one that was not to go on."""
    inside = [path.name for path in working.iterdir()] if working.is_dir() else [working.name]
    signed = _SIGN in inside and (working / _SIGN).read_bytes() == marker.encode()
    if not signed and set(inside) - {_SIGN}:
        raise UserError(
            f"{working} is needed for working state and holds something else: choose another --out, or move it away"
        )
    if not resume:
        raise UserError(f"{working} holds an unfinished run: add --resume to continue it, or delete it to start anew")


def check_free(out: Path) -> None:
    """Refuse a folder that holds something."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} exists and holds something else: choose another --out, or empty it")


def publish(working: Path, out: Path, *, without: str) -> None:
    """Make the finished working folder the result, ``without`` the part that only resuming needed."""
    (working / _SIGN).unlink(missing_ok=True)
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
