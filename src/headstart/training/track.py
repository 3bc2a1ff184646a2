"""Tracking: what a run logs, also as TensorBoard's event files; on this disk and nowhere else."""

from pathlib import Path

from headstart.errors import UserError
from headstart.training.log import Row


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

    def add(self, **groups: list[Row]) -> None:
        """Write what is new: rows whose step lies behind their group's last."""
        for group, row in ((group, row) for group, rows in groups.items() for row in rows):
            if row["step"] > self.last.get(group, -1):
                self.last[group] = row["step"]
                for name, value in row.items():
                    if name not in ("step", "epoch", "seconds"):
                        self.writer.add_scalar(f"{group}/{name}", value, int(row["step"]))
        self.writer.flush()
