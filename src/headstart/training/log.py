"""The log of a run: one row a step, kept as CSV so that anything can read it."""

import csv
import os
from pathlib import Path

Row = dict[str, int | float]


class Log:
    """Rows of ``step, epoch, seconds, loss`` and a column a term; written to ``path`` where one is given."""

    def __init__(self, path: Path | None, *, keep_until: int = 0) -> None:
        """Continue an existing file after its row ``keep_until``; whatever follows was never checkpointed."""
        self.path = path
        self.rows = [r for r in read_log(path) if r["step"] <= keep_until] if path and keep_until else []
        if path:
            self._write_all()

    def add(self, rows: list[Row]) -> None:
        """Append rows, in memory and in the file."""
        self.rows += rows
        if not self.path or not rows:
            return
        if len(self.rows) == len(rows):
            self._write_all()
            return
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, list(self.rows[0])).writerows(rows)

    def drop(self) -> None:
        """Take the last row back."""
        self.rows = self.rows[:-1]
        if self.path:
            self._write_all()

    def _write_all(self) -> None:
        assert self.path is not None
        waiting = self.path.with_name(self.path.name + ".new")
        with waiting.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(self.rows[0]) if self.rows else ["step", "epoch", "seconds", "loss"])
            writer.writeheader()
            writer.writerows(self.rows)
        os.replace(waiting, self.path)


def read_log(path: Path) -> list[Row]:
    """The rows of a ``log.csv``; a last line that was cut off is left out."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if None not in r.values() and "" not in r.values()]
    return [{k: int(v) if k in ("step", "epoch") else float(v) for k, v in r.items()} for r in rows]
