"""The study: approaches × labels a class × the same splits, one sentence that answers, and a page to look at."""

import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from headstart.encoders.build import check_encoder
from headstart.encoders.device import find_device
from headstart.errors import UserError
from headstart.report.page import write_report
from headstart.study.approaches import parse_approaches
from headstart.study.conduct import conduct, publish
from headstart.study.prepare import prepare
from headstart.study.records import Protocol, StudyRequest
from headstart.study.result import StudyResult
from headstart.training.clock import progress_bar
from headstart.training.run import Run
from headstart.training.workplace import claim


def run_study(
    source: Any,
    *,
    approaches: str | Sequence[str] | None = None,
    protocol: Protocol | None = None,
    run: Run | None = None,
    encoder: str | None = None,
    views: str | None = None,
    image_size: int | None = None,
    command: str | None = None,
) -> StudyResult:
    """Answer which approach is best on this data, at how many labels a class, by how much and how certainly.

    Args:
        source: What to study: whatever ``load`` takes, or a data set.
        approaches: Their names, METHOD+probe, METHOD+finetune, svm-pixels, …; default: twelve, and an untrained network
            for each architecture among them.
        protocol: How they are compared: labels a class, folds, repeats, metric, seed, what encoders may see.
        run: Where the result goes (default: runs/SOURCE), whether an interrupted study is continued, the wall time, in
            which what does not fit is cut short or left out, and the device.
        encoder: The encoder of all methods (docs/backbones.md); default: each method's own.
        views: digits, objects, natural, microscopy or identity; default by the rule in docs/views.md.
        image_size: Side in pixels that images are brought to; default: their own, at most 64.
        command: What repeats the study, for the report; default: this call.

    Returns:
        The result: ``answer``, ``record`` (the content of results.json), ``folder``.

    Raises:
        UserError: for anything that the caller can mend, in one line.
    """
    started, asked, where = time.monotonic(), protocol or Protocol(), run or Run()
    if encoder is not None:
        check_encoder(encoder)
    names, device = tuple(a.name for a in parse_approaches(approaches)), find_device(where.device or "auto")
    data = prepare(source, image_size=image_size, views=views, saw=asked.saw, seed=asked.seed)
    request = StudyRequest(
        approaches=names, named=approaches is not None, protocol=asked, time_budget=where.seconds, encoder=encoder,
        views=views, image_size=image_size, data_hash=data.dataset.content_hash,
    )  # fmt: skip
    folder = where.place or Path("runs") / (Path(source).stem if isinstance(source, str | Path) else "study")
    working = claim(folder, marker="results.json", resume=where.resume)
    if working is None:
        return _same(StudyResult.read(folder), request)
    repeated = command or _call(source, request)
    with progress_bar(f"study of {data.dataset.source}") as bar:

        def show(done: float, now: str) -> None:
            bar(done, now)
            if where.progress:
                where.progress(done)

        found = conduct(data, request, working=working, device=device, started=started, command=repeated, show=show)
        write_report(found, working / "result" / "report.html")
        return publish(found, working, folder)


def _call(source: Any, request: StudyRequest) -> str:
    """The call that repeats a study, with what is no default."""
    usual = Protocol()
    changed = {
        f.name: value for f in fields(usual) if (value := getattr(request.protocol, f.name)) != getattr(usual, f.name)
    }
    told = {
        "approaches": list(request.approaches) if request.named else None, "encoder": request.encoder,
        "views": request.views, "image_size": request.image_size,
    }  # fmt: skip
    words = [repr(str(source)) if isinstance(source, str | Path) else "…"]
    words += [f"{name}={value!r}" for name, value in told.items() if value is not None]
    if changed:
        words.append(f"protocol=Protocol({', '.join(f'{name}={value!r}' for name, value in changed.items())})")
    return f"headstart.run_study({', '.join(words)})"


def _same(finished: StudyResult, request: StudyRequest) -> StudyResult:
    """The finished study, if it answers this request."""
    other = finished.record.request.differing(request)
    if other:
        raise UserError(f"{finished.folder} holds a study with another {', '.join(other)}: choose another --out")
    return finished
