"""Wall time: what a user writes for it, and the bar that shows how much is left."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from headstart.errors import UserError

_UNITS = {"s": 1, "m": 60, "h": 3600, "": 1}


def parse_seconds(text: str | float | None) -> float | None:
    """``90s``, ``10m``, ``2h``, or a plain number of seconds.

    Raises:
        UserError: anything else, or no time at all.
    """
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", str(text))
    if not found or float(found[1]) == 0:
        raise UserError(f"--time-budget {text}: write a time such as 90s, 10m or 2h")
    return float(found[1]) * _UNITS[found[2]]


def duration(seconds: float) -> str:
    """4.2 s, 38 s, 3 min 20 s, 2 h 05 min."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[float, str], None]]:
    """A bar on standard error with the time left; called with the share done in [0, 1] and what is being done."""
    from rich.console import Console, RenderableType
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Panel(Progress):
        now = ""

        def get_renderables(self) -> Iterator[RenderableType]:
            yield self.make_tasks_table(self.tasks)
            if self.now:
                yield Text(self.now, style="dim")

    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
        TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    console = Console(file=sys.stderr)
    # Elsewhere than on a terminal a bar would leave an empty line, and an error is one line only.
    silent = not console.is_terminal or os.environ.get("RANK", "0") != "0"
    with Panel(*columns, console=console, transient=True, disable=silent) as bar:
        task = bar.add_task(title, total=1.0)

        def show(done: float, now: str = "") -> None:
            bar.now = now
            bar.update(task, completed=done)

        yield show
