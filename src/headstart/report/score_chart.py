"""The chart of the study: score against labels a class, the approaches that matter in colour, the others in grey."""

from typing import TYPE_CHECKING

import numpy as np

from headstart.evaluation.statistics import bounds_of
from headstart.report.drawing import BASELINE, FAINT, LINE, MUTED, PRETRAINED, axes_of, svg, ticks
from headstart.report.elements import Html
from headstart.report.scores import best, labels_a_class
from headstart.report.words import metric
from headstart.study.approaches import Kind
from headstart.study.records import ApproachRecord, StudyRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOUR: dict[Kind, str] = {"baseline": BASELINE, "pretrained": PRETRAINED}
_LABEL_HEIGHT = 15.5
# Factors on the logarithmic axis, so that two intervals at one budget stand side by side.
_APART = {"baseline": 0.993, "pretrained": 1.007}


def accuracy_chart(record: StudyRecord) -> Html:
    """Score against labels a class with intervals, or a ranking with intervals where there is one budget only."""
    return _ranking(record) if len(record.budgets) == 1 else _against_labels(record)


def drawn(record: StudyRecord) -> list[ApproachRecord]:
    """The approaches with a line of their own: all but majority, which would squeeze the others into a corner."""
    scored = [a for a in record.approaches if a.scores]
    return [a for a in scored if a.name != "majority"] or scored


def stands_out(record: StudyRecord, a: ApproachRecord) -> bool:
    """The approach named, the best baseline and the best pretrained one at the largest budget."""
    last = record.budgets[-1]
    return a.name == record.winner or any(a is best(record, kind, last) for kind in _COLOUR)


def spread(values: list[float], gap: float, low: float, high: float) -> list[float]:
    """The values moved as little as can be (least squares), so that neighbours are ``gap`` apart within [low, high]."""
    from sklearn.isotonic import isotonic_regression

    order, steps = np.argsort(values, kind="stable"), gap * np.arange(len(values))
    placed = isotonic_regression(np.asarray(values, float)[order] - steps)
    result = np.empty(len(values))
    result[order] = np.clip(placed, low, max(low, high - steps[-1])) + steps
    return result.tolist()


def _against_labels(record: StudyRecord) -> Html:
    columns, shown = record.budgets, drawn(record)
    axes = axes_of(960, max(470, 90 + 20 * len(shown)), right=185, title=metric(record.metric))
    axes.set_xscale("log")
    for a in shown:
        _line(axes, record, a)
    places = [labels_a_class(record, b) for b in columns]
    ticks(axes, places, [f"\nall ({n:.0f})" if b == "all" else b for b, n in zip(columns, places, strict=True)])
    axes.set_xlabel("labels a class")
    _end_labels(axes, record, shown)
    names = " and ".join(a.name for a in shown if stands_out(record, a))
    return svg(axes.figure, "accuracy", f"Score against labels a class for {len(shown)} approaches, {names} in colour")


def _line(axes: "Axes", record: StudyRecord, a: ApproachRecord) -> None:
    rows = [(labels_a_class(record, b), a.scores[b]) for b in record.budgets if b in a.scores]
    x, y = [n for n, _ in rows], [s.mean for _, s in rows]
    if not stands_out(record, a):
        axes.plot(x, y, color=FAINT, linewidth=1, marker="o", markersize=2.5, zorder=1)
        return
    colour, front = _COLOUR[a.kind], 4 if a.name == record.winner else 3
    x = [n * _APART[a.kind] for n in x]
    low, high = (np.clip([getattr(s, end) for _, s in rows], *bounds_of(record.metric)) for end in ("low", "high"))
    axes.vlines(x, low, high, color=colour, linewidth=6, alpha=0.22, zorder=2)
    axes.plot(x, y, color=colour, linewidth=2.4, marker="o", markersize=6.5, zorder=front)


def _end_labels(axes: "Axes", record: StudyRecord, shown: list[ApproachRecord]) -> None:
    """Each line's name at its right end, moved apart where lines end close together."""
    last = [next(b for b in record.budgets[::-1] if b in a.scores) for a in shown]
    ends = [(labels_a_class(record, b), a.scores[b].mean) for a, b in zip(shown, last, strict=True)]
    low, high = axes.get_ylim()
    pixels = axes.get_position().height * axes.get_figure(root=True).get_size_inches()[1] * 72  # pyright: ignore
    places = spread([y for _, y in ends], (high - low) * _LABEL_HEIGHT / pixels, low, high)
    left, right = axes.get_xlim()
    x = right * (right / left) ** 0.025
    for a, end, y in zip(shown, ends, places, strict=True):
        strong = stands_out(record, a)
        colour = _COLOUR[a.kind] if strong else MUTED
        thread = {"arrowstyle": "-", "color": colour if strong else LINE, "linewidth": 0.8, "relpos": (0, 0.5)}
        label = axes.annotate(a.name, end, (x, y), va="center", arrowprops=thread, annotation_clip=False)
        label.set(color=colour, fontweight="bold" if strong else "normal", parse_math=False, fontsize=12)


def _ranking(record: StudyRecord) -> Html:
    (column,) = record.budgets
    shown = sorted(drawn(record), key=lambda a: a.scores[column].mean)
    axes = axes_of(800, 90 + 26 * len(shown), left=190)
    for y, a in enumerate(shown):
        s, strong = a.scores[column], stands_out(record, a)
        low, high = np.clip([s.low, s.high], *bounds_of(record.metric))
        colour = _COLOUR[a.kind] if strong else FAINT
        axes.plot([low, high], [y, y], color=colour, linewidth=2.4 if strong else 1.2)
        axes.plot([s.mean], [y], "o", color=colour, markersize=7 if strong else 5)
    axes.set_yticks(range(len(shown)), [a.name for a in shown])
    axes.set(xlabel=metric(record.metric), ylim=(-0.7, len(shown) - 0.3))
    return svg(axes.figure, "accuracy", f"{metric(record.metric)} of {len(shown)} approaches with 95 % intervals")
