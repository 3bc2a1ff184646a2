"""A run: where a training computes and keeps its state, for how long, and who looks on; not what it computes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from headstart.objectives.objective import Objective
from headstart.training.log import Row

Watch = Callable[[Objective, list[Row]], None]
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Run:
    """How a training runs on a machine.

    folder: where log.csv and the checkpoint go; none are written without it.
    resume: go on from the folder's checkpoint, if there is one.
    seconds: wall time; the schedule is shortened to fit, by the speed of the first steps.
    device: where to compute.
    progress: called with the share done, in [0, 1].
    watch: called with the objective and the log so far, before the first step and after each epoch.
    """

    folder: Path | None = None
    resume: bool = False
    seconds: float | None = None
    device: str = "cpu"
    progress: Progress | None = None
    watch: Watch | None = None

    def part(self, k: int, parts: int) -> "Run":
        """The run of part k of so many equal ones, one after another, without a watch: stage1 is the first's folder."""
        progress = self.progress
        return replace(
            self,
            folder=self.folder / f"stage{k + 1}" if self.folder else None,
            seconds=None if self.seconds is None else self.seconds / parts,
            progress=None if progress is None else (lambda done: progress((k + done) / parts)),
            watch=None,
        )
