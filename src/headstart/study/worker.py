"""A worker: reads tasks from standard input, one a line, does them, and dies with its parent.

Workers are separate programs, not forks: the caller's main module is never run again, and results do not depend on
how many there are.
"""

import json
import os
import queue
import sys
import threading
from pathlib import Path

from headstart.errors import UserError


def main() -> None:
    """``python -m headstart.study.worker FOLDER``: {"task": …, "seconds": …} in, {"error": …} out."""
    from headstart.study.tasks import execute
    from headstart.study.workspace import Task, Workspace

    space, orders = Workspace.open(Path(sys.argv[1])), _orders()
    while True:
        order, answer = orders.get(), {}
        try:
            execute(Task(**order["task"]), space, seconds=order["seconds"])
        except UserError as error:
            answer = {"error": str(error), "user": True}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}", "user": False}
        print(json.dumps(answer), flush=True)


def _orders() -> "queue.Queue[dict]":
    """Lines of standard input, read beside the work: when the parent is gone, so is this process, at once."""
    waiting: queue.Queue[dict] = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
            waiting.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return waiting


if __name__ == "__main__":
    main()
