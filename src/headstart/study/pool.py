"""The pool: a study's tasks done by a few workers, each as soon as what it needs is there."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from headstart.codec import from_json, to_json
from headstart.errors import UserError
from headstart.study.approaches import parse_approach
from headstart.study.tasks import execute
from headstart.study.worker import Answer, Order
from headstart.study.workspace import Task, Workspace

INLINE_SECONDS = 8.0


def run_tasks(
    space: Workspace,
    costs: dict[Task, float],
    *,
    workers: int,
    deadline: float | None,
    show: Callable[[float, str], None],
) -> list[Task]:
    """Do the tasks, in their order where what they need allows, and return those for which no time was left.

    Args:
        space: The workspace. costs: task -> seconds expected, summed over its threads.
        workers: How many threads may be busy, in at most as many processes; little work is done in this one.
        deadline: ``time.monotonic()`` after which no task is started.
        show: Called with the share done and what was done last.
    """
    pending = {task: cost for task, cost in costs.items() if not (space.folder / task.path).is_file()}
    total, crew = sum(costs.values()) or 1.0, _Crew(space, inline=sum(pending.values()) < INLINE_SECONDS)
    workers = 1 if crew.inline else workers
    running: dict[Future[None], Task] = {}
    with ThreadPoolExecutor(workers) as threads:
        try:
            while pending or running:
                while task := _next(space, pending, running, workers, deadline):
                    cost = pending.pop(task) / task.threads
                    running[threads.submit(crew.do, task, 1.25 * cost + 2 if deadline else None)] = task
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    task = running.pop(future)
                    future.result()
                    left = sum(pending.values()) + sum(costs[t] for t in running.values())
                    show(1 - left / total, task.path.rpartition("/")[0])
        finally:
            crew.dismiss()
    return list(pending)


def _next(
    space: Workspace,
    pending: dict[Task, float],
    running: dict[Future[None], Task],
    workers: int,
    deadline: float | None,
) -> Task | None:
    """The first task that can be begun and for whose threads there is room; any, where nothing runs."""
    if deadline is not None and time.monotonic() > deadline:
        return None
    room = workers - sum(task.threads for task in running.values())
    fits = (task for task in pending if (task.threads <= room or not running) and _ready(space, task))
    return next(fits, None)


def _ready(space: Workspace, task: Task) -> bool:
    return all((space.folder / needed.path).is_file() for needed in needs(space, task))


def needs(space: Workspace, task: Task) -> list[Task]:
    """The tasks that make the encoders which this one uses."""
    method = "pixels" if task.kind == "encode" else parse_approach(task.name).method
    if method == "pixels":
        return []
    return [space.encode_task(method, task.split, encoder) for encoder in range(space.encoders(method))]


class _Crew:
    """Worker processes, started when first needed and kept; with ``inline`` this process does the work itself."""

    def __init__(self, space: Workspace, *, inline: bool) -> None:
        self.space, self.inline = space, inline
        self.idle: list[subprocess.Popen[str]] = []
        self.all: list[subprocess.Popen[str]] = []

    def do(self, task: Task, seconds: float | None) -> None:
        if self.inline:
            execute(task, self.space, seconds=seconds)
            return
        worker = self.idle.pop() if self.idle else self._hire()
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(json.dumps(to_json(Order(task, seconds))) + "\n")
        worker.stdin.flush()
        line = worker.stdout.readline()
        if not line:
            raise RuntimeError(f"a worker ended while it did {task.path}: {worker.wait()}")
        answer = from_json(Answer, json.loads(line))
        if answer.error is not None:
            raise UserError(answer.error) if answer.user else RuntimeError(f"{task.path}: {answer.error}")
        self.idle.append(worker)

    def _hire(self) -> "subprocess.Popen[str]":
        source = str(Path(__file__).parents[2])
        paths = os.pathsep.join(p for p in (source, os.environ.get("PYTHONPATH", "")) if p)
        environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "headstart.study.worker", str(self.space.folder)]
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.all.append(worker)
        return worker

    def dismiss(self) -> None:
        for worker in self.all:
            worker.kill()
            worker.wait()
            for stream in (worker.stdin, worker.stdout):
                if stream:
                    stream.close()
