"""A run: where a training computes and keeps its state, for how long, and who looks on; not what it computes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

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
    device: auto, cpu or cuda; None is the CPU for ``train`` alone, and auto for all that gives a bundle or a result.
    progress: called with the share done, in [0, 1].
    track: what ``pretrain`` writes its log as; event files lie in the folder's tensorboard.
    watch: called with the objective and the log so far, before the first step and after each epoch.
    """

    folder: str | Path | None = None
    resume: bool = False
    seconds: float | None = None
    device: str | None = None
    progress: Progress | None = None
    watch: Watch | None = None
    track: Literal["csv", "tensorboard"] = "csv"

    @property
    def place(self) -> Path | None:
        """The folder."""
        return None if self.folder is None else Path(self.folder)

    def part(self, k: int, parts: int) -> "Run":
        """The run of part k of so many equal ones, one after another, without a watch: stage1 is the first's folder."""
        progress = self.progress
        return replace(
            self,
            folder=self.place / f"stage{k + 1}" if self.place else None,
            seconds=None if self.seconds is None else self.seconds / parts,
            progress=None if progress is None else (lambda done: progress((k + done) / parts)),
            watch=None,
        )
