"""Conduct: the plan made, the tasks done, the winner refitted, and everything written in one step."""

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np

from headstart.codec import to_json
from headstart.data.inputs import evenly, store
from headstart.errors import UserError
from headstart.evaluation.budgets import default_budgets, parse_budgets
from headstart.evaluation.splits import default_folds, default_repeats, fold_ratio, make_splits
from headstart.representation.embed import write_parquet
from headstart.reuse.predict import named, write_predictions
from headstart.study.approaches import is_untrained, parse_approach
from headstart.study.assemble import Outcome, assemble
from headstart.study.curve import LearningCurve, extrapolate
from headstart.study.findings import Findings
from headstart.study.plan import CEILING, RESERVE, Outline, costs, fit_into, leave_out_greedy, measure_speed
from headstart.study.pool import run_tasks
from headstart.study.prepare import Prepared
from headstart.study.protocol import sentences
from headstart.study.records import Speed, StudyPlan, StudyRequest
from headstart.study.result import StudyResult
from headstart.study.tasks import SHOWN
from headstart.study.winner import Winner
from headstart.study.workspace import Task, Workspace
from headstart.study.yardsticks import with_yardsticks
from headstart.training.checkpoint import read_tensors
from headstart.training.log import Row, read_log
from headstart.training.workplace import discard
from headstart.views.presets import cautions
from headstart.views.sheet import contact_sheet

Show = Callable[[float, str], None]
_PACKAGES = ("torch", "numpy", "scikit-learn", "openTSNE", "bokeh")


def conduct(
    data: Prepared, request: StudyRequest, *, working: Path, device: str, started: float, command: str, show: Show
) -> Findings:
    """Do or continue a study in its working folder, where its files then lie in ``result``, but for the last two.

    started: when, by ``time.monotonic``. command: what repeats it, for the report. show: called with the share done and
    what is being done.
    """
    limit = request.time_budget
    show(0.0, "measuring this machine's speed")
    space, expected = _planned(data, request, working, device)
    deadline = started + (1 - RESERVE) * limit if limit else None
    undone = run_tasks(
        space, expected, workers=_workers(device), deadline=deadline, show=lambda done, now: show(0.97 * done, now)
    )
    if undone and not _has_baseline(space):
        discard(working)
        raise UserError(f"the time budget of {limit:g} s was over before a baseline was measured: give more time")
    show(0.97, "winner and report")
    findings = replace(_find(space, data, undone, command), seconds=time.monotonic() - started)
    _write(findings, space)
    return findings


def publish(findings: Findings, working: Path, folder: Path) -> StudyResult:
    """Write results.json, which says that all is there, and make the whole of it the result in one step."""
    result = working / "result"
    text = json.dumps(to_json(findings.record), indent=2, ensure_ascii=False) + "\n"
    (result / "results.json").write_text(text, "utf-8")
    if folder.is_dir():
        folder.rmdir()
    os.replace(result, folder)
    discard(working)
    return StudyResult.read(folder)


def _has_baseline(space: Workspace) -> bool:
    approaches = [parse_approach(name) for name in space.plan.approaches]
    return any(Outcome(space, a).probabilities for a in approaches if a.kind == "baseline")


def _planned(data: Prepared, request: StudyRequest, working: Path, device: str) -> tuple[Workspace, dict[Task, float]]:
    """The workspace with its plan: the one that was begun, or a new one."""
    if (working / "plan.json").is_file():
        space = Workspace.open(working)
        other = space.plan.request.differing(request)
        if other:
            raise UserError(
                f"{working} was begun with another {', '.join(other)}: repeat the first command, or delete it"
            )
        space.plan = replace(space.plan, device=device)
    else:
        try:
            space = _new_plan(data, request, working, device)
        except BaseException:
            discard(working)  # nothing was begun that resuming could continue
            raise
    return space, costs(space)


def _new_plan(data: Prepared, request: StudyRequest, working: Path, device: str) -> Workspace:
    arrays = {
        "labels": data.dataset.labels, "twins": data.twins, "bound": data.bound, "groups": data.groups,
    }  # fmt: skip
    for name, value in arrays.items():
        if value is not None:
            np.save(working / f"{name}.npy", value)
    store(data.dataset.inputs, data.pixels.size, working / "inputs.npy")
    y = data.dataset.labels[data.dataset.labelled]
    folds, repeats, limit = request.protocol.folds, request.protocol.repeats, request.time_budget
    if folds is None:
        folds = default_folds(y, groups=data.groups, prescribed=data.prescribed)
    if repeats is None:
        repeats = default_repeats(y, folds, prescribed=data.prescribed)
    outline = Outline([parse_approach(name) for name in request.approaches], repeats)
    if not request.named:
        leave_out_greedy(outline, request.encoder)

    def workspace(tried: Outline, speed: Speed) -> Workspace:
        return Workspace(working, _plan(data, request, tried, folds=folds, device=device, speed=speed))

    first = workspace(outline, Speed({}, 0.0))  # raises before anything is measured
    _check_inputs(first, outline)
    compared = with_yardsticks(outline.approaches, request.encoder)
    speed = measure_speed(first.images, compared, request.encoder, device)

    def estimate(tried: Outline) -> float:
        work = costs(workspace(tried, speed))
        longest = max((c / task.threads for task, c in work.items() if task.kind == "encode"), default=0.0)
        return max(longest, sum(work.values()) / _workers(device))

    ceiling = CEILING if limit is None else (1 - RESERVE) * limit
    fit_into(outline, ceiling, estimate, free_repeats=request.protocol.repeats is None, named=request.named)
    space = workspace(outline, speed)
    space.keep_plan()
    return space


def _check_inputs(space: Workspace, outline: Outline) -> None:
    """Refuse to pretrain on fewer than two images, or to standardise by them."""
    if space.plan.saw != "unlabelled" or all(a.method == "pixels" for a in outline.approaches):
        return
    n = len(space.inputs(None))
    if n < 2:
        raise UserError(
            f"{space.plan.source} has {n} unlabelled images that are no copies of labelled ones, encoders want at "
            "least 2: use --saw training"
        )


def _plan(
    data: Prepared, request: StudyRequest, outline: Outline, *, folds: int, device: str, speed: Speed
) -> StudyPlan:
    dataset, y, asked = data.dataset, data.dataset.labels[data.dataset.labelled], request.protocol
    splits = make_splits(
        y, folds=folds, repeats=outline.repeats, seed=asked.seed, groups=data.groups, prescribed=data.prescribed,
        class_names=dataset.class_names,
    )  # fmt: skip
    budgets = default_budgets(y, splits) if asked.budgets is None else parse_budgets(
        asked.budgets, y, splits, class_names=dataset.class_names
    )  # fmt: skip
    return StudyPlan(
        request=request, source=dataset.source, class_names=dataset.class_names, seed=asked.seed,
        metric=asked.metric, saw=data.saw, device=device, encoder=request.encoder, encoders=asked.encoders,
        views=data.views_name, folds=folds, repeats=outline.repeats,
        approaches=tuple(a.name for a in with_yardsticks(outline.approaches, request.encoder)),
        budgets=tuple(budgets), share=outline.share, speed=speed, left_out=tuple(outline.left_out),
        splits=tuple(splits), pixels=data.pixels,
    )  # fmt: skip


def _workers(device: str) -> int:
    return (
        min(16, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
        if device == "cpu"
        else 4
    )


def _find(space: Workspace, data: Prepared, undone: Sequence[Task], command: str) -> Findings:
    """Everything that the study found, from the tasks' files."""
    dataset, record = data.dataset, assemble(space)
    if undone:
        names = ", ".join(sorted({task.name for task in undone}))
        text = f"Not everything of {names} was done when the time was up."
        record = replace(record, left_out=(*record.left_out, text))
    winner, hidden = Winner(space, record, data.pixels), dataset.unlabelled
    winner.bundle.save(space.folder / "result" / "winner")
    classes, ids = np.arange(len(record.class_names)), [dataset.ids[int(i)] for i in hidden]
    predictions = named(ids, winner.predicted[hidden], classes, record.class_names)
    return Findings(
        record=record, dataset=dataset, protocol=sentences(space, data), views_reason=data.views_reason,
        cautions=cautions(data.views, dataset),
        view_sheet=contact_sheet(data.views, space.images.rows(evenly(len(space.images), 6)), seed=record.seed),
        probabilities=winner.probabilities, predictions=sorted(predictions, key=lambda one: one.confidence),
        vectors=winner.vectors, reconstructions=_reconstructions(space), curves=_logs(space, "log.csv"),
        health=_logs(space, "health.csv"), learning_curve=_learning_curve(space, record.winner),
        versions={p: metadata.version(p) for p in _PACKAGES}, command=command,
    )  # fmt: skip


def _encoders(space: Workspace) -> dict[str, Path]:
    """Method -> folder of its encoder, untrained ones too: the first one's, on the first split where it has its own."""
    methods = dict.fromkeys(parse_approach(name).method for name in space.plan.approaches)
    found = {m: (space.folder / space.encode_task(m, 0).path).parent for m in methods if m != "pixels"}
    return {m: f for m, f in found.items() if (f / "done.safetensors").is_file()}


def _logs(space: Workspace, name: str) -> dict[str, list[Row]]:
    return {method: read_log(folder / name) for method, folder in _encoders(space).items() if not is_untrained(method)}


def _reconstructions(space: Workspace) -> tuple[np.ndarray, np.ndarray] | None:
    for folder in _encoders(space).values():
        made = read_tensors(folder / "done.safetensors").get("reconstructions")
        if made is not None:
            pairs = (space.images.rows(slice(0, SHOWN)), made)
            first, again = (x.permute(0, 2, 3, 1).numpy() for x in pairs)
            return first, again
    return None


def _learning_curve(space: Workspace, name: str) -> LearningCurve | None:
    outcome = Outcome(space, parse_approach(name))
    points = [(round(float(np.mean(outcome.n_labels[b]))), outcome.at(b).folds) for b in outcome.probabilities]
    return extrapolate(points, n_all=len(space.y), seed=space.plan.seed, ratio=fold_ratio(space.splits))


def _write(findings: Findings, space: Workspace) -> None:
    """Predictions, and every method's vectors and logs."""
    result = space.folder / "result"
    write_predictions(result / "predictions.csv", findings.predictions)
    for method, encoder in _encoders(space).items():
        name = method.replace(":", "-")
        h = read_tensors(encoder / "done.safetensors")["h"].numpy()
        write_parquet(result / "embeddings" / f"{name}.parquet", findings.dataset, [h], width=h.shape[1])
        for log in ("log.csv", "health.csv"):
            if (encoder / log).is_file() and not is_untrained(method):
                kept = result / "runs" / name
                kept.mkdir(parents=True, exist_ok=True)
                shutil.copy(encoder / log, kept / log)
