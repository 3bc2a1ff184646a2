"""t-SNE maps of the winner's representation and of raw pixels, side by side and linked."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from headstart.report import words
from headstart.report.elements import Child, Html, bullets, join, prose, section, table, tag
from headstart.report.pictures import Display, data_uri, shrink
from headstart.report.plane import COMPONENTS, NEIGHBOURS, Map, draw, sample
from headstart.report.scores import on_pixels
from headstart.study.findings import Findings

MOST_POINTS = 2500
FEWEST_POINTS = 12
# Okabe and Ito's colours, told apart by colour-blind readers; the yellow is darkened to be seen on white.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#b5a500")
MARKERS = ("circle", "triangle", "square", "diamond", "inverted_triangle", "star")
SIGNS = ("●", "▲", "■", "◆", "▼", "★")
GREY = "#8c8c8c"

CAUTIONS = [
    "Only who lies next to whom means something: distances between clusters, their sizes and densities mean little.",
    "t-SNE shows clusters even in noise, and another seed gives another map of the same data.",
    "The map judged nothing: no score, no choice and no answer in this report depends on it.",
]


def map_section(findings: Findings) -> Html:
    """Both maps, their legend, the table of what survived the flattening, and the cautions."""
    # Labelled images come last: what is drawn last lies on top.
    chosen = sample(findings.dataset.labels, MOST_POINTS)
    chosen = chosen[np.argsort(findings.dataset.labels[chosen] >= 0, kind="stable")]
    if len(chosen) < FEWEST_POINTS:
        return Html()
    labels = findings.dataset.labels[chosen]
    maps = [draw(name, vectors, labels) for name, vectors in _spaces(findings, chosen)]
    rows: list[list[Child]] = [
        [m.name, words.score(m.accuracy), words.score(m.accuracy_in_plane), words.percent(m.kept)] for m in maps
    ]
    head: list[Child] = ["space", "k-NN accuracy there", "k-NN accuracy in the map", "neighbours kept"]
    return section(
        "map",
        "A map of the images",
        prose(_intro(findings, len(chosen))),
        _legend(findings, labels),
        _linked(findings, chosen, maps),
        table(head, rows, "What the maps keep of the spaces they flatten"),
        tag("p", _how(int((labels >= 0).sum())), class_="note"),
        bullets(CAUTIONS),
    )


def _spaces(findings: Findings, chosen: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    winner = findings.record.winner
    if not on_pixels(winner):
        yield f"representation of {winner}", findings.vectors[chosen]
    yield "raw pixels", shrink(findings.dataset.inputs.read(chosen), 32).reshape(len(chosen), -1)


def _linked(findings: Findings, chosen: np.ndarray, maps: list[Map]) -> Html:
    """The bokeh figures over one source: a selection in one is one in both, and a ring follows the pointer."""
    from bokeh.embed import components
    from bokeh.models import ColumnDataSource

    source = ColumnDataSource(_columns(findings, chosen, maps))
    ring = ColumnDataSource({f"{axis}{i}": [] for i in range(len(maps)) for axis in "xy"})
    figures = [_plane(m, i, source, ring) for i, m in enumerate(maps)]
    script, divs = components(tuple(figures))
    return join(tag("div", *map(Html, divs), class_="maps"), Html(script))


def _columns(findings: Findings, chosen: np.ndarray, maps: list[Map]) -> dict[str, Any]:
    data, names = findings.dataset, findings.record.class_names
    labels = data.labels[chosen]
    guesses = {r.id: f"unlabelled, predicted {r.class_name}" for r in findings.predictions}
    thumbnails = Display.of(data.inputs).rgb(shrink(data.inputs.read(chosen), 32))
    columns: dict[str, Any] = {
        "image": [data_uri(one, lossy=True) for one in thumbnails],
        "id": [data.ids[int(i)] for i in chosen],
        "class": [
            names[k] if k >= 0 else guesses.get(data.ids[int(i)], "unlabelled")
            for i, k in zip(chosen, labels, strict=True)
        ],
        "colour": [COLOURS[k % len(COLOURS)] if k >= 0 else GREY for k in labels],
        "marker": [MARKERS[k // len(COLOURS) % len(MARKERS)] if k >= 0 else "circle" for k in labels],
        "size": np.where(labels >= 0, 6.0, 3.5).astype(np.float32),
        "alpha": np.where(labels >= 0, 0.9, 0.35).astype(np.float32),
    }
    return columns | {f"{axis}{i}": m.places[:, j] for i, m in enumerate(maps) for j, axis in enumerate("xy")}


def _plane(m: Map, place: int, source: Any, ring: Any) -> Any:
    from bokeh.models import CustomJS, HoverTool
    from bokeh.plotting import figure

    plot = figure(
        title=m.name,
        sizing_mode="stretch_width",
        aspect_ratio=1,
        match_aspect=True,
        toolbar_location="above",
        tools="box_select,pan,wheel_zoom,tap,reset",
        active_drag="box_select",
    )
    x, y = f"x{place}", f"y{place}"
    by_class = {"size": "size", "marker": "marker", "color": "colour", "alpha": "alpha"}
    style: dict[str, Any] = by_class | {"line_color": None, "nonselection_alpha": 0.08}
    points = plot.scatter(x, y, source=source, **style)
    plot.scatter(x, y, source=ring, size=17, fill_color=None, line_color="#d55e00", line_width=2.5)
    follow = CustomJS(args={"source": source, "ring": ring}, code=_FOLLOW)
    plot.add_tools(HoverTool(renderers=[points], tooltips=_TOOLTIP, callback=follow, point_policy="snap_to_data"))
    _quiet(plot)
    return plot


def _quiet(plot: Any) -> None:
    """No axes, no grid, no logo: places in a t-SNE map have no units. The page's background shows through."""
    plot.axis.visible = False
    plot.grid.visible = False
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    plot.background_fill_color = plot.border_fill_color = None
    plot.outline_line_color = "#8c8c8c66"
    plot.title.text_color = "#8c8c8c"
    plot.title.text_font_style = "normal"


def _legend(findings: Findings, labels: np.ndarray) -> Html:
    present = [int(k) for k in np.unique(labels) if k >= 0]
    signs = [
        (COLOURS[k % len(COLOURS)], SIGNS[k // len(COLOURS) % len(SIGNS)], findings.record.class_names[k])
        for k in present
    ]
    if (labels < 0).any():
        signs.append((GREY, "●", "unlabelled"))
    return tag(
        "p", *(tag("span", tag("i", sign, style=f"color:{c}"), name) for c, sign, name in signs), class_="legend"
    )


def _intro(findings: Findings, shown: int) -> str:
    total, winner = len(findings.dataset), findings.record.winner
    some = f"{shown:,} of the {total:,} images, labelled ones first," if shown < total else f"All {total:,} images"
    beside = "" if on_pixels(winner) else ", beside the same map of raw pixels"
    basis = "raw pixels, which is what the winner works on" if on_pixels(winner) else f"the representation of {winner}"
    return (
        f"{some} laid out by t-SNE so that images alike in {basis} lie close together{beside}. Point at one to see it; "
        "drag a box to mark the same images in both maps."
    )


def _how(labelled: int) -> str:
    return (
        f"k-NN accuracy: how often the {NEIGHBOURS} nearest labelled images vote for an image's own class, over "
        f"{words.count(labelled, 'labelled image')}, each left out of its own vote. Neighbours kept: the share of an "
        f"image's {NEIGHBOURS} nearest in the full space that are among its {NEIGHBOURS} nearest in the map. openTSNE "
        f"on at most {COMPONENTS} principal components, perplexity 30 or a third of the images, fixed seed."
    )


_TOOLTIP = (
    '<div style="display:flex;gap:8px;align-items:center">'
    '<img src="@image" alt="" width="72" style="image-rendering:pixelated">'
    '<div style="font:13px system-ui"><b>@class</b><br><span style="font-size:11px">@id</span></div></div>'
)
_FOLLOW = """
const i = cb_data.index.indices[0]
const places = {}
for (const name of Object.keys(ring.data)) places[name] = i === undefined ? [] : [source.data[name][i]]
ring.data = places
"""
