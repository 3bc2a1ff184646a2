"""Charts of experiments: planes coloured by class or by time, curves with intervals, and bars."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headstart.report.drawing import INK, LINE, MUTED, axes_of, bare, ticks

# Ten hues of equal weight for ten classes (after Tableau 10), and Okabe and Ito's, told apart by colour-blind readers.
TEN = ("#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f", "#d4b106", "#b07aa1", "#ff7a93", "#9c755f", "#7f7f7f")
FEW = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b5a500", "#56b4e9", "#7f7f7f")
RAMPS = (("#9ecae1", "#08519c"), ("#fdbe85", "#a63603"), ("#a1d99b", "#006d2c"))  # early to late
Curve = Sequence[tuple[float, float, float, float]]


def planes(places: Mapping[str, np.ndarray], labels: np.ndarray, names: Sequence[str]) -> Any:
    """Places (n, 2) a plane, side by side, coloured by label; each class's name stands at its median."""
    from matplotlib.figure import Figure

    side = 380
    figure = Figure(figsize=(side * len(places) / 72, (side + 30) / 72))
    for number, (title, xy) in enumerate(places.items(), start=1):
        axes = figure.add_subplot(1, len(places), number)
        _plane(axes, title)
        colours = np.array(TEN)[labels % len(TEN)]
        axes.scatter(xy[:, 0], xy[:, 1], s=7, c=colours, alpha=0.6, linewidth=0, rasterized=True)
        for k in np.unique(labels):
            _label(axes, np.median(xy[labels == k], axis=0), names[int(k)])
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.92, wspace=0.04)
    return figure


def paths(
    places: Mapping[str, Mapping[str, np.ndarray]], *, first: str = "begin", last: str = "end", side: int = 470
) -> Any:
    """Ways through planes: plane -> family -> (n, times, 2) places, a ramp of colour a family, light to dark with time.

    first, last: what the ends of the ramps are called in the legend below. Each way ends in a ring.
    """
    from matplotlib.figure import Figure

    height = side + 74
    figure = Figure(figsize=(side * len(places) / 72, height / 72))
    for number, (title, families) in enumerate(places.items(), start=1):
        axes = figure.add_subplot(1, len(places), number)
        _plane(axes, title)
        for ramp, ways in zip(RAMPS, families.values(), strict=False):
            _ways(axes, np.asarray(ways), ramp)
    figure.subplots_adjust(0.01, 46 / height, 0.99, 1 - 28 / height, wspace=0.03)
    families = next(iter(places.values()))
    for number, (name, ramp) in enumerate(zip(families, RAMPS, strict=False)):
        strip = figure.add_axes((0.01 + number / len(families), 0, 0.98 / len(families), 40 / height))
        _strip(strip, f"{name}: {first}", last, ramp)
    return figure


def curves(
    lines: Mapping[str, Curve], *, across: str, up: str, log: bool = False, width: int = 760, height: int = 400,
) -> Any:  # fmt: skip
    """A line a name through (x, mean, low, high), with its interval as a band; the legend stands on the right."""
    axes = axes_of(width, height, right=190, title=up)
    for (name, points), colour in zip(lines.items(), FEW * (1 + len(lines) // len(FEW)), strict=False):
        x, mean, low, high = np.array(points, float).T
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(x, mean, "o-", color=colour, linewidth=1.6, markersize=4.5, label=name)
    if log:
        axes.set_xscale("log")
    ticks(axes, sorted({point[0] for points in lines.values() for point in points}))
    axes.set_xlabel(across)
    legend = axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=11.5)
    for text in legend.get_texts():
        text.set_color(INK)
    return axes.figure


def bars(values: Mapping[str, tuple[float, float, float]], *, up: str, width: int = 760) -> Any:
    """A horizontal bar a name, as long as the mean, with its interval (mean, low, high); the first stands on top."""
    axes = axes_of(width, 110 + 34 * len(values), left=210, right=70, title=up)
    for place, (mean, low, high) in enumerate(values.values()):
        axes.barh(place, mean, height=0.62, color=FEW[place % len(FEW)], alpha=0.75)
        axes.plot([low, high], [place, place], color=INK, linewidth=1.6)
        axes.annotate(
            f"{mean:.3f}", (max(high, mean), place), (6, 0), textcoords="offset points", va="center", fontsize=11,
            color=MUTED,
        )  # fmt: skip
    axes.set_yticks(range(len(values)), list(values))
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.grid(axis="x", color=LINE, linewidth=0.6)
    return axes.figure


def _plane(axes: Any, title: str) -> None:
    bare(axes, title)
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.spines[["top", "right"]].set_visible(True)
    axes.spines[:].set_color(LINE)


def _label(axes: Any, place: np.ndarray, name: str) -> None:
    axes.annotate(
        name, tuple(place), ha="center", va="center", fontsize=11.5, fontweight="bold", color="#1a1a1a",
        bbox={"boxstyle": "round,pad=0.2", "facecolor": "#ffffffcc", "linewidth": 0},
    )  # fmt: skip


def _ways(axes: Any, ways: np.ndarray, ramp: tuple[str, str]) -> None:
    """A thin line and a dot a time for each way, and a ring where it ends."""
    from matplotlib.collections import LineCollection

    shades = _shades(ramp, ways.shape[1])
    axes.add_collection(LineCollection(list(ways), colors=ramp[1], linewidths=0.5, alpha=0.25, rasterized=True))
    axes.scatter(*ways.reshape(-1, 2).T, s=9, c=shades * len(ways), alpha=0.8, linewidth=0, rasterized=True)
    axes.scatter(*ways[:, -1].T, s=26, facecolors="none", edgecolors=ramp[1], linewidth=1.1, rasterized=True)


def _strip(axes: Any, before: str, after: str, ramp: tuple[str, str]) -> None:
    """The family's ramp as dots between two words."""
    dots = 12
    axes.set(xlim=(0, 100), ylim=(-1, 1))
    axes.axis("off")
    axes.scatter(np.linspace(56, 80, dots), np.zeros(dots), s=26, c=_shades(ramp, dots), linewidth=0)
    axes.text(53, 0, before, ha="right", va="center", fontsize=11.5, color=INK)
    axes.text(83, 0, after, ha="left", va="center", fontsize=11.5, color=INK)


def _shades(ramp: tuple[str, str], count: int) -> list[tuple[float, ...]]:
    from matplotlib.colors import LinearSegmentedColormap

    between = LinearSegmentedColormap.from_list("ramp", ramp)
    return [tuple(between(share)) for share in np.linspace(0, 1, count)]
