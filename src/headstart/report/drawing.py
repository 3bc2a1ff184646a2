"""How every chart looks, and how a matplotlib figure becomes part of the page in both of its themes."""

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from headstart.report.elements import Html, tag

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colours that stand for the page's variables: each is replaced in the SVG, so that one picture serves both themes.
INK, MUTED, LINE, FAINT = "#1c1b19", "#6b6862", "#e0ddd6", "#b9b5ac"
BASELINE, PRETRAINED = "#b34700", "#0b62a8"
_VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", FAINT: "faint", BASELINE: "baseline", PRETRAINED: "pretrained"}
_DROPPED = re.compile(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->|font-family: [^;\"]*;?", re.DOTALL)


def axes_of(width: int, height: int, *, left: int = 62, right: int = 24, title: str = "") -> "Axes":
    """One pair of axes on a figure of that many pixels; the title, top left, says what is drawn upwards."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 72, height / 72))
    axes = figure.add_axes((left / width, 54 / height, 1 - (left + right) / width, 1 - 86 / height))
    bare(axes, title)
    return axes


def bare(axes: "Axes", title: str = "") -> None:
    """Two hairlines, small grey ticks, a grid as faint as it can be, and the title flush left."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set(color=LINE)
    axes.tick_params(color=LINE, labelcolor=MUTED, labelsize=11.5, length=3)
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.xaxis.label.set(color=MUTED, fontsize=12)
    axes.set_title(title, loc="left", fontsize=12, color=MUTED, parse_math=False, pad=12)


def ticks(axes: "Axes", places: Sequence[float | int], names: Sequence[str] | None = None) -> None:
    """Ticks at these places of the x axis and nowhere else."""
    from matplotlib.ticker import NullFormatter, NullLocator

    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(list(places), list(names or [f"{place:,.0f}" for place in places]))


def svg(figure: Any, name: str, alt: str) -> Html:
    """A matplotlib figure as inline SVG: text stays text in the page's font, colours become the page's variables."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = _DROPPED.sub("", buffer.getvalue())
    # Groups' ids repeat from chart to chart; nothing refers to them.
    text = re.sub(r'<g id="[^"]*">', "<g>", text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")])
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var(--{variable})")
    width, height = (round(72 * side) for side in figure.get_size_inches())
    size = {"viewBox": f"0 0 {width} {height}", "style": f"min-width:{0.75 * width:.0f}px;max-width:{width}px"}
    return tag("svg", tag("title", alt), Html(text), class_="chart", role="img", **size)
