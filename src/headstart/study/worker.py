"""A worker: reads tasks from standard input, one a line, does them, and dies with its parent.

Workers are separate programs, not forks: the caller's main module is never run again, and results do not depend on
how many there are.
"""

import json
import os
import queue
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from headstart.codec import from_json, to_json
from headstart.errors import UserError
from headstart.study.tasks import execute
from headstart.study.workspace import Task, Workspace


@dataclass(frozen=True)
class Order:
    """A task to do, and the wall time that an encoder's training may take."""

    task: Task
    seconds: float | None


@dataclass(frozen=True)
class Answer:
    """That an order was done, or the error that prevented it, and whether the user can mend it."""

    error: str | None = None
    user: bool = False


def main() -> None:
    """``python -m headstart.study.worker FOLDER``: an ``Order`` a line in, an ``Answer`` a line out, as JSON."""
    space, orders = Workspace.open(Path(sys.argv[1])), _orders()
    while True:
        order, answer = orders.get(), Answer()
        try:
            execute(order.task, space, seconds=order.seconds)
        except UserError as error:
            answer = Answer(str(error), user=True)
        except Exception as error:
            answer = Answer(f"{type(error).__name__}: {error}")
        print(json.dumps(to_json(answer)), flush=True)


def _orders() -> "queue.Queue[Order]":
    """Lines of standard input, read beside the work: when the parent is gone, so is this process, at once."""
    waiting: queue.Queue[Order] = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
            waiting.put(from_json(Order, json.loads(line)))
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return waiting


if __name__ == "__main__":
    main()
