"""The study: approaches × labels a class × the same splits, and one sentence that answers."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
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
        approaches: Names joined by commas (METHOD+probe, METHOD+finetune, svm-pixels, …); default: thirteen.
        budgets: Labels a class joined by commas, and "all"; default: 5, 10, 25, … as far as they fit, and all.
        saw: What encoders see without labels: unlabelled inputs, the training fold's too, or all inputs.
        metric: A scikit-learn metric name for predictions: balanced_accuracy, accuracy, f1_macro.
        folds: Folds a repeat, at least 4; default from the number of labels.
        repeats: How often the folds are drawn anew; default from the number of labels.
        seed: Seed of splits, views and networks.
        time_budget: Wall time such as 90s, 10m or 2h; what does not fit is cut short or left out, and named.
        encoder: small, lecture, mlp, resnet18 or timm:NAME; default: small.
        views: digits, natural or microscopy; default by the rule in docs/views.md.
        image_size: Side in pixels that images are brought to; default: their own, at most 64.
        device: auto, cpu or cuda.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA.
        ordered_classes: The classes are ordered: report the quadratic kappa too.
        out: Folder for the result; default: runs/SOURCE.
        resume: Continue an interrupted study, or start a new one.

    Returns:
        The result: ``answer``, ``results`` (the content of results.json), ``folder``.

    Raises:
        UserError: for anything that the caller can mend, in one line.
    """
    raise NotImplementedError
