"""Conduct: the plan made, the tasks done, the winner refitted, and everything written in one step."""

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from headstart.data.inputs import evenly, store
from headstart.errors import UserError
from headstart.evaluation.budgets import default_budgets, parse_budgets
from headstart.evaluation.splits import default_folds, default_repeats, fold_ratio, make_splits, split_hash
from headstart.reuse.predict import write_predictions
from headstart.study.answer import compose
from headstart.study.approaches import parse_approach
from headstart.study.assemble import Outcome, assemble, beats_guessing
from headstart.study.curve import extrapolate
from headstart.study.findings import Findings
from headstart.study.plan import CEILING, RESERVE, Outline, Speed, costs, fit_into, leave_out_greedy, measure_speed
from headstart.study.pool import run_tasks
from headstart.study.prepare import Prepared
from headstart.study.protocol import sentences
from headstart.study.result import StudyResult
from headstart.study.tasks import SHOWN
from headstart.study.winner import Winner, predictions
from headstart.study.workspace import Workspace
from headstart.study.yardsticks import with_yardsticks
from headstart.training.checkpoint import read_tensors
from headstart.training.clock import progress_bar
from headstart.training.log import Row, read_log
from headstart.training.workplace import discard
from headstart.views.presets import cautions
from headstart.views.sheet import contact_sheet

Page = Callable[[Findings, Path], None]
_PACKAGES = ("torch", "numpy", "scikit-learn", "openTSNE", "bokeh")


def conduct(
    data: Prepared,
    request: dict[str, Any],
    *,
    folder: Path,
    working: Path,
    device: str,
    started: float,
    command: str,
    page: Page,
) -> StudyResult:
    """Do or continue a study in its working folder, and publish it as ``folder``.

    command: what repeats it, for the report. page: draws the report.
    """
    limit = request["time_budget"]
    with progress_bar(f"study of {data.dataset.source}") as show:
        show(0.0, "measuring this machine's speed")
        space, expected = _planned(data, request, working, device, limit)
        deadline = started + (1 - RESERVE) * limit if limit else None
        undone = run_tasks(
            space, expected, workers=_workers(device), deadline=deadline, show=lambda done, now: show(0.97 * done, now)
        )
        if undone and not _has_baseline(space):
            discard(working)
            raise UserError(f"the time budget of {limit:g} s was over before a baseline was measured: give more time")
        show(0.97, "winner and report")
        findings = _find(space, data, command)
        if undone:
            names = sorted({task.name for task in undone})
            findings.left_out.append(f"Not everything of {', '.join(names)} was done when the time was up.")
        findings.results["left_out"] = findings.left_out
        findings.seconds = time.monotonic() - started
        _publish(findings, space, folder, working, page)
    return StudyResult.read(folder)


def _has_baseline(space: Workspace) -> bool:
    approaches = [parse_approach(name) for name in space.plan["approaches"]]
    return any(Outcome(space, a).probabilities for a in approaches if a.kind == "baseline")


def _planned(
    data: Prepared, request: dict[str, Any], working: Path, device: str, limit: float | None
) -> tuple[Workspace, dict[Any, float]]:
    """The workspace with its plan: the one that was begun, or a new one."""
    if (working / "plan.json").is_file():
        space = Workspace.open(working)
        other = sorted(k for k in request if space.plan["request"].get(k) != request[k])
        if other:
            raise UserError(
                f"{working} was begun with another {', '.join(other)}: repeat the first command, or delete it"
            )
        speed = Speed(**space.plan["speed"])
        space.plan["device"] = device
    else:
        try:
            space, speed = _new_plan(data, request, working, device, limit)
        except BaseException:
            discard(working)  # nothing was begun that resuming could continue
            raise
    return space, costs(space, speed)


def _new_plan(
    data: Prepared, request: dict[str, Any], working: Path, device: str, limit: float | None
) -> tuple[Workspace, Speed]:
    arrays = {
        "labels": data.dataset.labels, "twins": data.twins, "bound": data.bound, "groups": data.groups,
    }  # fmt: skip
    for name, value in arrays.items():
        if value is not None:
            np.save(working / f"{name}.npy", value)
    store(data.dataset.inputs, data.pixels.size, working / "inputs.npy")
    y = data.dataset.labels[data.dataset.labelled]
    folds, repeats = request["folds"], request["repeats"]
    if folds is None:
        folds = default_folds(y, groups=data.groups, prescribed=data.prescribed)
    if repeats is None:
        repeats = default_repeats(y, folds, prescribed=data.prescribed)
    outline = Outline([parse_approach(name) for name in request["approaches"]], repeats)
    if not request["named"]:
        leave_out_greedy(outline, request["encoder"])
    frame = {
        "request": request, "seed": request["seed"], "metric": request["metric"], "saw": data.saw, "device": device,
        "encoder": request["encoder"], "encoders": request["encoders"], "views": data.views_name, "folds": folds,
        "class_names": list(data.dataset.class_names), "pixels": data.pixels.to_json(),
    }  # fmt: skip
    first = _workspace(frame, outline, data, working)  # raises before anything is measured
    _check_inputs(first, outline, data.dataset.source)
    compared = with_yardsticks(outline.approaches, request["encoder"])
    speed = measure_speed(first.images, compared, request["encoder"], device)

    def estimate(tried: Outline) -> float:
        work = costs(_workspace(frame, tried, data, working), speed)
        longest = max((c / task.threads for task, c in work.items() if task.kind == "encode"), default=0.0)
        return max(longest, sum(work.values()) / _workers(device))

    ceiling = CEILING if limit is None else (1 - RESERVE) * limit
    fit_into(outline, ceiling, estimate, free_repeats=request["repeats"] is None, named=request["named"])
    space = _workspace({**frame, "speed": asdict(speed), "left_out": outline.left_out}, outline, data, working)
    space.keep_plan()
    return space, speed


def _check_inputs(space: Workspace, outline: Outline, source: str) -> None:
    """Refuse to pretrain on fewer than two images, or to standardise by them."""
    if space.plan["saw"] != "unlabelled" or all(a.method == "pixels" for a in outline.approaches):
        return
    n = len(space.inputs(None))
    if n < 2:
        raise UserError(
            f"{source} has {n} unlabelled images that are no copies of labelled ones, encoders want at least 2: "
            "use --saw training"
        )


def _workspace(frame: dict[str, Any], outline: Outline, data: Prepared, working: Path) -> Workspace:
    y, request = data.dataset.labels[data.dataset.labelled], frame["request"]
    splits = make_splits(
        y, folds=frame["folds"], repeats=outline.repeats, seed=frame["seed"], groups=data.groups,
        prescribed=data.prescribed, class_names=data.dataset.class_names,
    )  # fmt: skip
    asked = request["budgets"]
    budgets = default_budgets(y, splits) if asked is None else parse_budgets(
        asked, y, splits, class_names=data.dataset.class_names
    )  # fmt: skip
    plain = [{k: getattr(s, k).tolist() for k in ("train", "test", "order")} for s in splits]
    names = [a.name for a in with_yardsticks(outline.approaches, frame["encoder"])]
    return Workspace(
        working,
        {
            **frame,
            "approaches": names,
            "budgets": budgets,
            "splits": plain,
            "repeats": outline.repeats,
            "share": outline.share,
        },
    )


def _workers(device: str) -> int:
    return (
        min(16, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
        if device == "cpu"
        else 4
    )


def _find(space: Workspace, data: Prepared, command: str) -> Findings:
    """Everything that the study found, from the tasks' files."""
    dataset, plan = data.dataset, space.plan
    found = assemble(space)
    last = list(found["chosen"])[-1]
    results = {
        "answer": "", "source": dataset.source, "data_hash": dataset.content_hash, "n_labelled": len(dataset.labelled),
        "n_unlabelled": len(dataset.unlabelled), "class_names": list(dataset.class_names), "seed": plan["seed"],
        "metric": plan["metric"], "split_hash": split_hash(space.splits),
        "folds": plan["folds"], "repeats": plan["repeats"],
        "saw": plan["saw"], "encoders": plan["encoders"], "views": plan["views"], **found, "request": plan["request"],
    }  # fmt: skip
    results["answer"] = compose(results, beats_guessing=beats_guessing(space, found["winner"], last))
    facts = {
        "method": {"name": parse_approach(found["winner"]).method, "approach": found["winner"], "views": plan["views"]},
        "data": {"source": dataset.source, "hash": dataset.content_hash, "n": len(dataset)},
        "saw": _seen_by_winner(found),
        "measured": next(a["scores"] for a in found["approaches"] if a["name"] == found["winner"]),
    }
    winner = Winner(space, found["winner"], last, data.pixels, facts)
    winner.bundle.save(space.folder / "result" / "winner")
    return Findings(
        results=results, dataset=dataset, protocol=sentences(space, data), left_out=list(plan["left_out"]),
        views_name=plan["views"], views_reason=data.views_reason, cautions=cautions(data.views, dataset),
        view_sheet=contact_sheet(data.views, space.images.rows(evenly(len(space.images), 6)), seed=plan["seed"]),
        probabilities=winner.probabilities, predictions=predictions(dataset, winner.predicted), vectors=winner.vectors,
        reconstructions=_reconstructions(space), curves=_logs(space, "log.csv"),
        health=_logs(space, "health.csv"), learning_curve=_learning_curve(space, found),
        versions={p: metadata.version(p) for p in _PACKAGES}, command=command,
        ordered_classes=bool(plan["request"].get("ordered_classes")), folds=plan["folds"], repeats=plan["repeats"],
    )  # fmt: skip


def _seen_by_winner(found: dict[str, Any]) -> str:
    """An encoder that saw the training folds' inputs sees every input when it is refitted."""
    saw = next(a["saw"] for a in found["approaches"] if a["name"] == found["winner"])
    return "all" if saw == "training" else saw


def _encoders(space: Workspace) -> dict[str, Path]:
    """Method -> folder of its encoder; the first split's where there is one a split."""
    approaches = [parse_approach(name) for name in space.plan["approaches"]]
    methods = dict.fromkeys(a.method for a in approaches if a.kind == "pretrained")
    found = {m: (space.folder / space.encode_task(m, 0).path).parent for m in methods}
    return {m: f for m, f in found.items() if (f / "done.safetensors").is_file()}


def _logs(space: Workspace, name: str) -> dict[str, list[Row]]:
    return {method: read_log(folder / name) for method, folder in _encoders(space).items()}


def _reconstructions(space: Workspace) -> tuple[np.ndarray, np.ndarray] | None:
    for folder in _encoders(space).values():
        tensors, _ = read_tensors(folder / "done.safetensors")
        if "reconstructions" in tensors:
            pairs = (space.images.rows(slice(0, SHOWN)), tensors["reconstructions"])
            first, made = (x.permute(0, 2, 3, 1).numpy() for x in pairs)
            return first, made
    return None


def _learning_curve(space: Workspace, found: dict[str, Any]) -> dict[str, Any] | None:
    outcome = Outcome(space, parse_approach(found["winner"]))
    points = [(round(float(np.mean(outcome.n_labels[b]))), outcome.at(b).folds) for b in outcome.probabilities]
    return extrapolate(points, n_all=len(space.y), seed=space.plan["seed"], ratio=fold_ratio(space.splits))


def _publish(findings: Findings, space: Workspace, folder: Path, working: Path, page: Page) -> None:
    """Write what is left, and make the whole of it the result in one step."""
    result = working / "result"
    write_predictions(result / "predictions.csv", findings.predictions)
    page(findings, result / "report.html")
    for method, encoder in _encoders(space).items():
        for log in ("log.csv", "health.csv"):
            if (encoder / log).is_file():
                kept = result / "runs" / method.replace(":", "-")
                kept.mkdir(parents=True, exist_ok=True)
                shutil.copy(encoder / log, kept / log)
    (result / "results.json").write_text(json.dumps(findings.results, indent=2, ensure_ascii=False) + "\n", "utf-8")
    if folder.is_dir():
        folder.rmdir()
    os.replace(result, folder)
    discard(working)
