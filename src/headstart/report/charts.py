"""Charts as SVG inside the page, whose colours follow the page's light or dark theme."""

import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.report.elements import Html
from headstart.report.scores import Approach, Results, best, budgets, labels_a_class
from headstart.report.words import metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colours that stand for the page's variables: each is replaced in the SVG, so that one picture serves both themes.
INK, MUTED, LINE, FAINT = "#1c1b19", "#6b6862", "#d9d6cf", "#b4b0a7"
BASELINE, PRETRAINED = "#b34700", "#0b62a8"
_VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", FAINT: "faint", BASELINE: "baseline", PRETRAINED: "pretrained"}
_COLOUR = {"baseline": BASELINE, "pretrained": PRETRAINED}


def accuracy_chart(results: Results) -> Html:
    """Score against labels a class with intervals, or a ranking with intervals where there is one budget only."""
    return _ranking(results) if len(budgets(results)) == 1 else _against_labels(results)


def learning_curve(curve: dict[str, Any], name: str) -> Html:
    """The fitted curve with its band, what was observed, and what twice the labels would bring."""
    axes = _axes(720, 340, left=62, right=40)
    axes.fill_between(curve["n"], curve["low"], curve["high"], color=PRETRAINED, alpha=0.15, linewidth=0)
    axes.plot(curve["n"], curve["mean"], color=PRETRAINED, linewidth=1.5, linestyle=(0, (5, 3)))
    axes.plot(curve["observed_n"], curve["observed_mean"], "o", color=PRETRAINED, markersize=6)
    twice = curve["doubled"]
    error = [[max(0, twice["mean"] - twice["low"])], [max(0, twice["high"] - twice["mean"])]]
    axes.errorbar([twice["n"]], [twice["mean"]], yerr=error, fmt="D", color=INK, markersize=6, capsize=4)
    axes.annotate(
        "twice\nthe labels", (twice["n"], twice["low"]), (0, -8), textcoords="offset points", ha="center", va="top"
    )
    axes.margins(0.06, 0.2)
    axes.set_xscale("log")
    _ticks(axes, [*curve["observed_n"], twice["n"]])
    axes.set_xlabel("labels")
    return svg(axes.figure, "learning-curve", f"Learning curve of {name}, extrapolated to {twice['n']} labels")


def reliability(confidence: np.ndarray, right: np.ndarray) -> Html:
    """How often predictions of a confidence are right, in bins of equal count, with 95 % intervals (Wilson)."""
    axes = _axes(420, 340, left=58, right=16)
    axes.plot([0, 1], [0, 1], color=LINE, linewidth=1)
    bins = np.array_split(np.argsort(confidence, kind="stable"), max(1, min(10, len(confidence) // 15)))
    for rows in bins:
        low, high = wilson(int(right[rows].sum()), len(rows))
        x = confidence[rows].mean()
        axes.plot([x, x], [low, high], color=PRETRAINED, linewidth=1.5, alpha=0.5)
        axes.plot([x], [right[rows].mean()], "o", color=PRETRAINED, markersize=6)
    axes.set(xlim=(min(0.95 * confidence.min(), 0.9), 1.02), ylim=(-0.02, 1.04), xlabel="confidence")
    return svg(axes.figure, "reliability", "Share of right predictions against confidence; the diagonal is perfect")


def training_curves(curves: dict[str, list[dict[str, float]]]) -> Html:
    """The loss of each training run against epochs, each in its own small chart."""
    from matplotlib.figure import Figure

    rows = -(-len(curves) // 3)
    figure = Figure(figsize=(960 / 72, (185 * rows) / 72))
    for place, (name, log) in enumerate(curves.items(), start=1):
        axes = figure.add_subplot(rows, 3, place)
        _bare(axes)
        axes.plot([r["epoch"] for r in log], [r["loss"] for r in log], color=PRETRAINED, linewidth=1.4)
        axes.set_title(name, loc="left", fontsize=12, color=INK, parse_math=False)
        axes.set_xlabel("epoch")
    figure.subplots_adjust(0.05, 48 / (185 * rows), 0.985, 1 - 26 / (185 * rows), wspace=0.2, hspace=0.65)
    return svg(figure, "training", f"Training loss against epochs for {', '.join(curves)}")


def wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's 95 % interval of a share, (low, high). Wilson, JASA 1927."""
    share, spread = hits / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * np.sqrt(share * (1 - share) / n + spread / (4 * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def spread(values: list[float], gap: float, low: float, high: float) -> list[float]:
    """The values moved as little as a simple sweep can, so that neighbours are ``gap`` apart within [low, high]."""
    order = np.argsort(values, kind="stable")
    placed = np.array(values, float)[order]
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + gap)
    ceiling = high
    for i in reversed(range(len(placed))):
        placed[i] = ceiling = min(placed[i], ceiling)
        ceiling -= gap
    result = np.empty(len(placed))
    result[order] = np.maximum(
        placed, low + gap * np.arange(len(placed)) if len(placed) * gap <= high - low else placed
    )
    return result.tolist()


def svg(figure: Any, name: str, alt: str) -> Html:
    """A matplotlib figure as inline SVG: text stays text, sentinel colours become the page's variables."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = re.sub(
        r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", text[text.index("<svg") :], flags=re.DOTALL
    )
    text = re.sub(r"font-family: [^;\"]*;?|<g id=\"[^\"]*\"(?=>)", lambda m: "<g" if m[0][0] == "<" else "", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var(--{variable})")
    width, height = figure.get_size_inches() * 72
    box = f'<svg class="chart" role="img" viewBox="0 0 {width:.0f} {height:.0f}" style="max-width:{width:.0f}px">'
    return Html(re.sub(r"<svg[^>]*>", f"{box}<title>{Html(_escaped(alt))}</title>", text, count=1))


def _against_labels(results: Results) -> Html:
    columns = budgets(results)
    shown = [a for a in results["approaches"] if a["name"] != "majority"] or results["approaches"]
    axes = _axes(960, max(440, 60 + 21 * len(shown)), left=62, right=190)
    axes.set_xscale("log")
    for a in sorted(shown, key=lambda a: _stands_out(results, a)):
        _line(axes, results, a)
    _ticks(axes, [labels_a_class(results, b) for b in columns], [b if b != "all" else "\nall" for b in columns])
    axes.set(xlabel="labels a class", ylabel=metric(results["metric"]))
    _end_labels(axes, results, shown)
    names = [a["name"] for a in shown if _stands_out(results, a)]
    return svg(
        axes.figure, "accuracy", f"Score against labels a class for {len(shown)} approaches; emphasised: {names}"
    )


def _line(axes: "Axes", results: Results, a: Approach) -> None:
    rows = [(labels_a_class(results, b), a["scores"][b]) for b in budgets(results) if b in a["scores"]]
    x, y = [n for n, _ in rows], [s["mean"] for _, s in rows]
    if not _stands_out(results, a):
        axes.plot(x, y, color=FAINT, linewidth=1, marker="o", markersize=2.5, zorder=1)
        return
    colour, front = _COLOUR[a["kind"]], 4 if a["name"] == results["winner"] else 3
    axes.fill_between(
        x, [s["low"] for _, s in rows], [s["high"] for _, s in rows], color=colour, alpha=0.13, linewidth=0
    )
    axes.plot(x, y, color=colour, linewidth=2.4, marker="o", markersize=6, zorder=front)


def _end_labels(axes: "Axes", results: Results, shown: list[Approach]) -> None:
    last = [next(b for b in budgets(results)[::-1] if b in a["scores"]) for a in shown]
    ends = [(labels_a_class(results, b), a["scores"][b]["mean"]) for a, b in zip(shown, last, strict=True)]
    low, high = axes.get_ylim()
    gap = (high - low) * 15.5 / (axes.get_position().height * axes.figure.get_size_inches()[1] * 72)
    right = axes.get_xlim()[1]
    for a, end, y in zip(shown, ends, spread([y for _, y in ends], gap, low, high), strict=True):
        strong = _stands_out(results, a)
        colour = _COLOUR[a["kind"]] if strong else MUTED
        arrow = dict(arrowstyle="-", color=colour if strong else LINE, linewidth=0.8, shrinkA=0, shrinkB=4)
        weight = "bold" if strong else "normal"
        label = axes.annotate(a["name"], end, (right * 1.1, y), va="center", arrowprops=arrow, annotation_clip=False)
        label.set(color=colour, fontweight=weight, parse_math=False, fontsize=12)


def _ranking(results: Results) -> Html:
    (column,) = budgets(results)
    shown = sorted(results["approaches"], key=lambda a: a["scores"][column]["mean"])
    axes = _axes(800, 70 + 26 * len(shown), left=190, right=30)
    for y, a in enumerate(shown):
        s, strong = a["scores"][column], _stands_out(results, a)
        colour = _COLOUR[a["kind"]] if strong else FAINT
        axes.plot([s["low"], s["high"]], [y, y], color=colour, linewidth=2.4 if strong else 1.2)
        axes.plot([s["mean"]], [y], "o", color=colour, markersize=7 if strong else 5)
    axes.set_yticks(range(len(shown)), [a["name"] for a in shown])
    axes.set(xlabel=metric(results["metric"]), ylim=(-0.7, len(shown) - 0.3))
    return svg(axes.figure, "accuracy", f"{metric(results['metric'])} of {len(shown)} approaches with intervals")


def _stands_out(results: Results, a: Approach) -> bool:
    """The approach named, the best baseline and the best pretrained one at the largest budget."""
    last = budgets(results)[-1]
    return a["name"] == results["winner"] or any(a is best(results, kind, last) for kind in _COLOUR)


def _axes(width: int, height: int, *, left: int, right: int) -> "Axes":
    from matplotlib.figure import Figure

    figure: Figure = Figure(figsize=(width / 72, height / 72))
    axes = figure.add_axes((left / width, 52 / height, 1 - (left + right) / width, 1 - 66 / height))
    _bare(axes)
    return axes


def _bare(axes: "Axes") -> None:
    """Two hairlines, small grey ticks, and a grid as faint as it can be read."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set(color=LINE)
    axes.tick_params(color=LINE, labelcolor=MUTED, labelsize=11.5, length=3)
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=MUTED, fontsize=12)


def _ticks(axes: "Axes", places: list[float], names: list[str] | None = None) -> None:
    from matplotlib.ticker import NullFormatter, NullLocator

    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(places, names or [f"{place:g}" for place in places])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
