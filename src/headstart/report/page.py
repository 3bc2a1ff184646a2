"""One self-contained page, report.html: the answer first, then everything that it rests on."""

import os
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from headstart.report import facts, maps, mistakes
from headstart.report.elements import Html, join, tag
from headstart.study.findings import Findings

# The browser itself refuses every request: what the page shows is in the page.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'"

SECTIONS: tuple[Callable[[Findings], Html], ...] = (
    facts.accuracy,
    facts.scores,
    facts.learning_curve,
    mistakes.confusion,
    mistakes.wrong,
    mistakes.unsure,
    mistakes.calibration,
    maps.map_section,
    facts.views,
    facts.reconstructions,
    facts.training,
    facts.protocol,
    facts.provenance,
)


def write_report(findings: Findings, path: Path) -> None:
    """Write a study's page.

    Args:
        findings: Everything that the study found.
        path: The file to write, as a rule OUT/report.html; its folder must exist.
    """
    write_page(page(findings), path)


def write_page(content: Html, path: Path) -> None:
    """Write a page at once or not at all: a reader never meets half a report."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(content, encoding="utf-8")
    os.replace(partial, path)


def page(findings: Findings) -> Html:
    """A study's whole document as a string."""
    body = join(*(part(findings) for part in SECTIONS))
    return document(f"{findings.record.source} – headstart study", facts.headline(findings), body)


def document(title: str, headline: Html, body: Html) -> Html:
    """A self-contained page: what is said first, links to the body's sections, and the body."""
    content = tag("main", headline, _contents(body), body, tag("footer", "Written by headstart."))
    style = Html(files("headstart.report").joinpath("style.css").read_text("utf-8"))
    head = join(
        Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        tag("title", title),
        tag("style", style),
        _bokeh() if 'id="map"' in body else None,
    )
    return Html(f'<!doctype html>\n<html lang="en-GB">{tag("head", head)}{tag("body", content)}</html>\n')


def _contents(body: Html) -> Html:
    """Links to the sections that the page has."""
    anchors = re.findall(r'<section id="([^"]*)">', body)
    return tag("nav", *(tag("a", name.replace("-", " "), href=f"#{name}") for name in anchors), aria_label="Contents")


def _bokeh() -> Html:
    """Bokeh's core script, which the maps need, as part of the page."""
    from bokeh.resources import Resources

    return Html(Resources(mode="inline", components=["bokeh"]).render_js())
