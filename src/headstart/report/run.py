"""The study: approaches × labels a class × the same splits, and one sentence that answers."""

import inspect
import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from headstart.errors import UserError

if TYPE_CHECKING:
    from headstart.study.records import StudyRequest
    from headstart.study.result import StudyResult


def run_study(
    source: Any,
    *,
    approaches: str | None = None,
    budgets: str | None = None,
    saw: Literal["unlabelled", "training", "all"] | None = None,
    metric: str = "balanced_accuracy",
    folds: int | None = None,
    repeats: int | None = None,
    seed: int = 0,
    time_budget: str | None = None,
    encoder: str | None = None,
    encoders: int = 1,
    views: str | None = None,
    image_size: int | None = None,
    device: str = "auto",
    data_root: str | None = None,
    ordered_classes: bool = False,
    out: Path | None = None,
    resume: bool = False,
) -> "StudyResult":
    """Answer which approach is best on this data, at how many labels a class, by how much and how certainly.

    Args:
        source: What to study: a name (digits, cells, mnist, …), an .npz file, a folder, a Parquet file.
        approaches: Names joined by commas (METHOD+probe, METHOD+finetune, svm-pixels, …); default: twelve, and an
            untrained network for each architecture among them.
        budgets: Labels a class joined by commas, and "all"; default: 5, 10, 25, … as far as they fit, and all.
        saw: What encoders see without labels: unlabelled inputs, the training fold's too, or all inputs.
        metric: A scikit-learn metric name for predictions: balanced_accuracy, accuracy, f1_macro.
        folds: Folds a repeat, at least 4; default from the number of labels.
        repeats: How often the folds are drawn anew; default from the number of labels.
        seed: Seed of splits, views and networks.
        time_budget: Wall time such as 90s, 10m or 2h; what does not fit is cut short or left out, and named.
        encoder: small, lecture, lecture_flat, mlp, dense, resnet18, patches, transformer, timm:NAME[@hub|@FILE]
            (docs/backbones.md); default: each method's own.
        encoders: Encoders of every method, from other seeds, each put to every split: one, or at least four, so that
            intervals can tell what another seed would change.
        views: digits, objects, natural, microscopy or identity; default by the rule in docs/views.md.
        image_size: Side in pixels that images are brought to; default: their own, at most 64.
        device: auto, cpu or cuda.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA.
        ordered_classes: The classes are ordered: report the quadratic kappa too.
        out: Folder for the result; default: runs/SOURCE.
        resume: Continue an interrupted study, or start a new one.

    Returns:
        The result: ``answer``, ``record`` (the content of results.json), ``folder``.

    Raises:
        UserError: for anything that the caller can mend, in one line.
    """
    repeated = command(dict(locals()))

    from headstart.encoders.build import check_encoder
    from headstart.encoders.device import find_device
    from headstart.evaluation.statistics import check_metric
    from headstart.evaluation.uncertainty import check_encoders
    from headstart.report.page import write_report
    from headstart.study.approaches import parse_approaches
    from headstart.study.conduct import conduct
    from headstart.study.prepare import prepare
    from headstart.study.records import StudyRequest
    from headstart.study.result import StudyResult
    from headstart.training.clock import parse_seconds
    from headstart.training.workplace import claim

    started = time.monotonic()
    check_metric(metric)
    if encoder is not None:
        check_encoder(encoder)
    check_encoders(encoders)
    asked, limit = tuple(a.name for a in parse_approaches(approaches)), parse_seconds(time_budget)
    target = find_device(device)
    data = prepare(source, data_root=data_root, image_size=image_size, views=views, saw=saw, seed=seed)
    folder = Path(out) if out else Path("runs") / (Path(source).stem if isinstance(source, str | Path) else "study")
    request = StudyRequest(
        approaches=asked, named=approaches is not None, budgets=budgets, saw=saw, metric=metric, folds=folds,
        repeats=repeats, seed=seed, time_budget=limit, encoder=encoder, encoders=encoders, views=views,
        image_size=image_size, ordered_classes=ordered_classes, data_hash=data.dataset.content_hash,
    )  # fmt: skip
    working = claim(folder, marker="results.json", resume=resume)
    if working is None:
        return _same(StudyResult.read(folder), request)
    return conduct(
        data,
        request,
        folder=folder,
        working=working,
        device=target,
        started=started,
        command=repeated,
        page=write_report,
    )


def command(given: Mapping[str, object]) -> str:
    """What repeats a study: the command line, or a call where the source is in memory; only what is no default."""
    options = {
        p.name: given[p.name]
        for p in inspect.signature(run_study).parameters.values()
        if p.kind is p.KEYWORD_ONLY and p.name != "resume" and given[p.name] != p.default
    }
    options = {name: str(value) if isinstance(value, Path) else value for name, value in options.items()}
    if not isinstance(given["source"], str | Path):
        return f"headstart.run_study({', '.join(['…', *(f'{name}={value!r}' for name, value in options.items())])})"
    words = ["headstart", "study", str(given["source"])]
    for name, value in options.items():
        words += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return shlex.join(words)


def _same(finished: "StudyResult", request: "StudyRequest") -> "StudyResult":
    """The finished study, if it answers this request."""
    other = finished.record.request.differing(request)
    if other:
        raise UserError(f"{finished.folder} holds a study with another {', '.join(other)}: choose another --out")
    return finished
