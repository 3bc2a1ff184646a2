"""Independent parts of a recipe, made side by side in processes of one thread each, whose number changes nothing."""

from collections.abc import Callable, Mapping
from typing import Any

import joblib

from headstart.recipes.work import Part, Work
from headstart.training.threads import threads


def side_by_side(
    work: Work, make: Callable[..., Mapping[str, Any]], tasks: Mapping[str, Mapping[str, Any]], *,
    now: str, share: tuple[float, float] = (0.0, 0.9), processes: int | None = None,
) -> dict[str, Part]:  # fmt: skip
    """Part name -> what ``make(**options)`` gives, each kept as soon as it is done; finished ones are read.

    Args:
        work: Where the parts are kept.
        make: A function of a module; large arrays among its options are shared with the processes, not copied.
        tasks: Part name -> options, the longest first so that no process ends long after the others.
        now: What is being done, in words. share: of the recipe's progress, from where to where this leads.
        processes: How many; default: one a core.
    """
    waiting = {name: options for name, options in tasks.items() if not work.finished(name)}
    made: Any = joblib.Parallel(processes or joblib.cpu_count(), return_as="generator_unordered", mmap_mode="c")(
        joblib.delayed(_made)(name, make, options) for name, options in waiting.items()
    )
    for done, (name, part) in enumerate(made, start=1 + len(tasks) - len(waiting)):
        work.part(name, lambda part=part: part)
        work.say(f"{now}, {done} of {len(tasks)}", share[0] + (share[1] - share[0]) * done / len(tasks))
    return {name: work.part(name, _never) for name in tasks}


def _made(
    name: str, make: Callable[..., Mapping[str, Any]], options: Mapping[str, Any]
) -> tuple[str, Mapping[str, Any]]:
    with threads(1):
        return name, make(**options)


def _never() -> Part:
    raise AssertionError("every part was made before it is read")
