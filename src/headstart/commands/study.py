"""Study: which approach is best on your images, at how many labels?"""

import inspect
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from headstart.study.result import StudyResult


def study(
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
    """
    typed = words(dict(locals()))

    from headstart.data.load import load
    from headstart.encoders.device import find_device
    from headstart.report.run import run_study
    from headstart.study.approaches import parse_approaches
    from headstart.study.records import Protocol
    from headstart.training.clock import parse_seconds
    from headstart.training.run import Run

    parse_approaches(approaches)  # before anything is read
    device = find_device(device)
    protocol = Protocol(
        budgets=budgets, saw=saw, metric=metric, folds=folds, repeats=repeats, seed=seed, encoders=encoders,
        ordered_classes=ordered_classes,
    )  # fmt: skip
    named = Path("runs") / (Path(source).stem if isinstance(source, str | Path) else "study")
    run = Run(Path(out or named), resume, parse_seconds(time_budget), device)
    return run_study(
        load(source, data_root=data_root, seed=seed), approaches=approaches, protocol=protocol, run=run,
        encoder=encoder, views=views, image_size=image_size, command=typed,
    )  # fmt: skip


def words(given: dict[str, Any]) -> str:
    """The command line that repeats a study: only what is no default."""
    said = ["headstart", "study", str(given["source"]) if isinstance(given["source"], str | Path) else "…"]
    for p in inspect.signature(study).parameters.values():
        if p.kind is p.KEYWORD_ONLY and p.name != "resume" and given[p.name] != p.default:
            said += [f"--{p.name.replace('_', '-')}", *([] if given[p.name] is True else [str(given[p.name])])]
    return shlex.join(said)
