"""The smaller charts: the extrapolated learning curve, reliability, and training curves."""

from collections.abc import Mapping, Sequence

import numpy as np

from headstart.report.drawing import INK, LINE, MUTED, PRETRAINED, axes_of, bare, svg, ticks
from headstart.report.elements import Html
from headstart.study.curve import LearningCurve
from headstart.training.log import Row


def learning_curve(curve: LearningCurve, name: str, score: str) -> Html:
    """The fitted curve with its band, what was observed, and what twice the labels would bring."""
    axes = axes_of(760, 380, right=40, title=score)
    axes.fill_between(curve.n, curve.low, curve.high, color=PRETRAINED, alpha=0.15, linewidth=0)
    axes.plot(curve.n, curve.mean, color=PRETRAINED, linewidth=1.5, linestyle=(0, (5, 3)))
    axes.plot(curve.observed_n, curve.observed_mean, "o", color=PRETRAINED, markersize=6)
    twice, doubled = 2 * curve.n_all, curve.doubled
    axes.plot([twice] * 2, [doubled.low, doubled.high], color=INK, linewidth=2, solid_capstyle="butt")
    axes.plot([twice], [doubled.mean], "D", color=INK, markersize=6)
    place = {"textcoords": "offset points", "ha": "center", "va": "top", "fontsize": 11.5, "color": INK}
    axes.annotate("twice\nthe labels", (twice, doubled.low), (0, -7), **place)
    axes.margins(0.07, 0.22)
    axes.set_xscale("log")
    ticks(axes, [*curve.observed_n, twice])
    axes.set_xlabel("labels in all")
    return svg(axes.figure, "learning-curve", f"Learning curve of {name}, extrapolated to {twice} labels")


def reliability(confidence: np.ndarray, right: np.ndarray) -> Html:
    """How often predictions of a confidence are right, in bins of equal count, with 95 % intervals (Wilson)."""
    axes = axes_of(440, 400, left=58, title="share that is right")
    start = np.floor(10 * min(confidence.min(), 0.75)) / 10
    axes.plot([start, 1], [start, 1], color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
    for rows in np.array_split(np.argsort(confidence, kind="stable"), max(1, min(10, len(confidence) // 15))):
        low, high = wilson(int(right[rows].sum()), len(rows))
        x = confidence[rows].mean()
        axes.plot([x, x], [low, high], color=PRETRAINED, linewidth=1.5, alpha=0.5)
        axes.plot([x], [right[rows].mean()], "o", color=PRETRAINED, markersize=6)
    axes.set_xlim(start, 1.02)
    axes.set_ylim(top=1.02)
    axes.spines["left"].set_color(LINE)
    axes.set_xlabel("confidence")
    return svg(axes.figure, "reliability", "Share of right predictions against confidence; the diagonal is perfect")


def training_curves(curves: Mapping[str, Sequence[Row]]) -> Html:
    """The loss of each training run against epochs, each in its own small chart."""
    from matplotlib.figure import Figure

    rows = -(-len(curves) // 3)
    height = 200 * rows
    figure = Figure(figsize=(960 / 72, height / 72))
    for place, (name, log) in enumerate(curves.items(), start=1):
        axes = figure.add_subplot(rows, 3, place)
        bare(axes, name)
        axes.plot([r["epoch"] for r in log], [r["loss"] for r in log], color=PRETRAINED, linewidth=1.5)
        axes.set_xlabel("epoch")
    figure.subplots_adjust(0.05, 46 / height, 0.985, 1 - 32 / height, wspace=0.2, hspace=0.72)
    return svg(figure, "training", f"Training loss against epochs for {', '.join(curves)}")


def wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's 95 % interval of a share, (low, high). Wilson, JASA 22:209, 1927."""
    share, extra = hits / n, z * z / n
    centre = (share + extra / 2) / (1 + extra)
    half = z / (1 + extra) * np.sqrt(share * (1 - share) / n + extra / (4 * n))
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))
