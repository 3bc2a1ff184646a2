"""The plan: which tasks a study has, what they will cost, and what gives way when that is too much."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from headstart.data.inputs import Subset
from headstart.encoders.build import STAGED
from headstart.evaluation.splits import label_draws
from headstart.study.approaches import Approach, is_untrained, parse_approach
from headstart.study.records import Speed
from headstart.study.tasks import method_recipe, network_recipe
from headstart.study.workspace import Task, Workspace
from headstart.study.yardsticks import architecture
from headstart.training.fit import encoder_spec, fit_encoder
from headstart.training.method import Method
from headstart.training.recipe import Recipe
from headstart.training.run import Run
from headstart.training.threads import threads
from headstart.training.training_set import TrainingSet

CEILING = 2700.0
RESERVE = 0.12
# What is left out first when time is short: the dearest for what it usually brings.
_GIVE_WAY = ("greedy", "denoising", "autoencoder")
_SHARED = 1.25  # what two threads spend on an encoder, together, of what one would; measured 1.15 to 1.35


@dataclass
class Outline:
    """What the plan may change to fit into the time: approaches, repeats, the share of every default's epochs."""

    approaches: list[Approach]
    repeats: int
    share: float = 1.0
    left_out: list[str] = field(default_factory=list)


def leave_out_greedy(outline: Outline, encoder: str | None) -> None:
    """Leave layer-wise approaches out, and note it, where the encoder asked for is not made of stages."""
    gone = [a for a in outline.approaches if a.method.partition(":")[0] == "greedy"]
    if gone and encoder is not None and encoder not in STAGED:
        outline.approaches = [a for a in outline.approaches if a not in gone]
        names = ", ".join(a.name for a in gone)
        outline.left_out.append(f"{names}: left out, as {encoder} is not made of stages to pretrain one by one.")


def measure_speed(data: TrainingSet, approaches: list[Approach], encoder: str | None, device: str) -> Speed:
    """Time two small steps of each method, on one thread, after one to warm up."""
    timed: dict[str, tuple[str, str]] = {}
    for a in approaches:
        if a.method != "pixels":
            own = architecture(a.method, approaches, encoder)
            timed |= {a.method: (a.method, own)} if a.kind == "pretrained" else {}
            timed |= {network(own): ("supervised", own)} if a.is_network else {}
    with threads(1):
        found = {name: _seconds_an_image(*timed[name], data, device) for name in sorted(timed)}
    return Speed(found, min(found.values(), default=1e-3) / 3)


def network(encoder: str) -> str:
    """The name under which ``Speed`` has the training of a network of this architecture on labels."""
    return f"supervised:{encoder}"


def _seconds_an_image(name: str, encoder: str, data: TrainingSet, device: str) -> float:
    method = Method(name)
    batch = min(len(data), Recipe().resolve(method, len(data)).batch_size)
    rows = np.arange(2 * batch) % len(data)
    recipe = Recipe(epochs=1, batch_size=batch).resolve(method, len(data))
    some = data.replace(inputs=Subset(data.inputs, rows), y=np.zeros(len(rows), np.int64))
    spec = encoder_spec(encoder, some)
    for last in (False, True):
        started = time.perf_counter()
        few = max(2, batch // 4)
        used = some if last else some.replace(inputs=Subset(some.inputs, np.arange(few)), y=np.zeros(few, np.int64))
        fit_encoder(method, used, spec=spec, recipe=recipe, run=Run(device=device), classes=2)
    return (time.perf_counter() - started) / len(rows)


def fit_into(
    outline: Outline, limit: float, estimate: Callable[[Outline], float], *, free_repeats: bool, named: bool
) -> None:
    """Shorten the outline until its estimate is within ``limit`` seconds, in the order of docs/protocol.md.

    Repeats first, unless the user asked for them; then epochs, down to a quarter; then whole approaches, unless the
    user named them; then epochs again, down to a thirty-second. Each step is noted in ``left_out``.
    """
    repeats, share = outline.repeats, outline.share
    while free_repeats and outline.repeats > 1 and estimate(outline) > limit:
        outline.repeats -= 1
    while outline.share > 0.25 and estimate(outline) > limit:
        outline.share /= 2**0.5
    for method in () if named else _GIVE_WAY:
        gone = [a for a in outline.approaches if a.method.partition(":")[0] == method]
        if gone and estimate(outline) > limit:
            outline.approaches = [a for a in outline.approaches if a not in gone]
            outline.left_out.append(f"{', '.join(a.name for a in gone)}: left out, as the time did not suffice.")
    while outline.share > 1 / 32 and estimate(outline) > limit:
        outline.share /= 2**0.5
    if outline.repeats < repeats:
        outline.left_out.append(f"Repeats: {outline.repeats} in place of {repeats}, to fit into the time.")
    if outline.share < share:
        outline.left_out.append(
            f"Training: every network for {outline.share:.0%} of its usual epochs, to fit into the time."
        )


def costs(space: Workspace) -> dict[Task, float]:
    """Every task and its expected seconds, summed over its threads, in the order in which they should be begun."""
    speed = space.plan.speed
    approaches = [parse_approach(name) for name in space.plan.approaches]
    methods = list(dict.fromkeys(a.method for a in approaches if a.method != "pixels"))
    found: dict[Task, float] = {}
    for split in range(len(space.splits)) if space.plan.saw == "training" else [None]:
        for method in sorted(methods, key=lambda m: (m.startswith(_GIVE_WAY), m)):
            for encoder in range(space.encoders(method)):
                task = space.encode_task(method, split, encoder)
                found[task] = _encode_cost(space, task, speed)
    networks = [a for a in approaches if a.is_network]
    for split in range(len(space.splits)):
        for a in approaches:
            if not a.is_network:
                found[Task("score", a.name, split)] = _head_cost(space, a)
    for budget in reversed(space.budgets):
        for split in range(len(space.splits)):
            n = len(space.splits[split].budget(space.y, budget))
            looks = 1.8 * network_recipe(space, n, split).epochs * n
            for a in networks:
                cost = looks * speed.train[network(space.encoder_name(a.method))] + 0.3
                found[Task("train", a.name, split, str(budget))] = cost * space.encoders(a.method)
    return found


def _encode_cost(space: Workspace, task: Task, speed: Speed) -> float:
    embedding = len(space.labels) * speed.embed
    if is_untrained(task.name):
        return embedding
    n = len(space.inputs(task.split))
    alone = embedding + method_recipe(space, task.name, n).epochs * n * speed.train[task.name]
    return alone * _SHARED if task.threads > 1 else alone


def _head_cost(space: Workspace, approach: Approach) -> float:
    """A rough count: candidates × inner folds × a fit's cost, which grows with labels and width."""
    if approach.head == "majority":
        return 0.01
    width = float(np.prod(space.images.inputs.shape)) if approach.method == "pixels" else 128.0
    total = 0.0
    for budget in space.budgets:
        n = min(len(space.splits[0].budget(space.y, budget)), 2000)
        once = 31 * (0.004 + n * (min(n, width) + 50) * 1.5e-7 + (n**2 * 4e-8 if approach.method == "pixels" else 0))
        total += once * label_draws(space.splits, space.y, budget)
    return total * space.encoders(approach.method)
