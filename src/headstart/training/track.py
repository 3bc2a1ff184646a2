"""Tracking: what a run logs, also as TensorBoard's event files; on this disk and nowhere else."""

from pathlib import Path
from typing import Protocol, runtime_checkable

from headstart.errors import UserError
from headstart.objectives.objective import Objective
from headstart.training.log import Row
from headstart.training.run import Watch


@runtime_checkable
class Monitored(Protocol):
    """A watch that keeps rows of its own."""

    @property
    def rows(self) -> list[Row]:
        """What it has seen."""
        ...

    def __call__(self, objective: Objective, rows: list[Row]) -> None:
        """Look."""


class TensorBoard:
    """Writes rows as scalars under their column's name; each row once, whatever is handed over again.

    What an interrupted run wrote there before is replaced by what the new one hands over.

    Raises:
        UserError: the package is not there.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise UserError("--track tensorboard wants tensorboard: pip install 'headstart[track]'") from None
        self.writer, self.last = SummaryWriter(str(folder), purge_step=0), {}

    def beside(self, watch: "Monitored") -> Watch:
        """A watch that does what the given one does, and writes down its rows and the log's."""

        def both(objective: Objective, rows: list[Row]) -> None:
            watch(objective, rows)
            self.add(training=rows, health=watch.rows)

        return both

    def add(self, **groups: list[Row]) -> None:
        """Write what is new: rows whose step lies behind their group's last."""
        for group, row in ((group, row) for group, rows in groups.items() for row in rows):
            if row["step"] > self.last.get(group, -1):
                self.last[group] = row["step"]
                for name, value in row.items():
                    if name not in ("step", "epoch", "seconds"):
                        self.writer.add_scalar(f"{group}/{name}", value, int(row["step"]))
        self.writer.flush()
