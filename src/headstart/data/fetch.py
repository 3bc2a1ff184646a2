"""A public file is fetched once: checked against its published checksum before it gets its name."""

import hashlib
import os
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headstart.errors import UserError

_TIMEOUT = 20
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Remote:
    """A file's path below a data root, its checksum as "sha256:…" or "md5:…", and the addresses it can be had from."""

    path: str
    checksum: str
    urls: tuple[str, ...]


def roots(data_root: str | Path | None) -> list[Path]:
    """Folders in which a named data set is looked for: ``data_root``, else HEADSTART_DATA; then the cache."""
    given = data_root or os.environ.get("HEADSTART_DATA")
    return ([Path(given).expanduser()] if given else []) + [cache()]


def cache() -> Path:
    """Folder of fetched files where no writable data root is given."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headstart"


def fetch(remotes: Sequence[Remote], data_root: str | Path | None, what: str) -> Path:
    """Fetch files into the first root that can be written, and return that root.

    Raises:
        UserError: where no address gives the file with its checksum; the line says how to bring the data instead.
    """
    for root in roots(data_root):
        missing = [remote for remote in remotes if not (root / remote.path).is_file()]
        if not missing or _writable(root):
            for remote in missing:
                _fetch_one(remote, root, what)
            return root
    raise UserError(f"{what} cannot be kept in {roots(data_root)[-1]}: give a folder that can be written, --data-root")


def _writable(root: Path) -> bool:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(root, os.W_OK)


def _fetch_one(remote: Remote, root: Path, what: str) -> None:
    reasons = []
    for url in remote.urls:
        print(f"fetching {url}", file=sys.stderr)
        try:
            return _download(url, root / remote.path, remote.checksum)
        except (OSError, ValueError) as error:
            reasons.append(f"{url}: {error}")
    raise UserError(
        f"{what} could not be fetched ({'; '.join(reasons)}): put the file at {root / remote.path} yourself, "
        "or name the folder that has it with --data-root or HEADSTART_DATA"
    )


def _download(url: str, to: Path, checksum: str) -> None:
    """Stream to a temporary file beside ``to``, which takes that name only when the checksum is right."""
    algorithm, wanted = checksum.split(":")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    to.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=to.parent, prefix=f".{to.name}.")
    try:
        with os.fdopen(handle, "wb") as file, urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:
            while block := answer.read(_BLOCK):
                digest.update(block)
                file.write(block)
        if digest.hexdigest() != wanted:
            raise ValueError(f"its {algorithm} is {digest.hexdigest()}, not {wanted}")
        os.chmod(temporary, 0o644)
        os.replace(temporary, to)
    finally:
        Path(temporary).unlink(missing_ok=True)
