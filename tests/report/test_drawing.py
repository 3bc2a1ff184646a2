"""Charts take the page's colours and fonts, and name nothing outside the page."""

import re

from headstart.report.drawing import INK, axes_of, svg


def drawn(name: str = "a") -> str:
    axes = axes_of(300, 200, title="score")
    axes.plot([0, 1], [0, 1], color=INK)
    return svg(axes.figure, name, "a < b")


def test_colours_become_variables_and_fonts_the_pages_own() -> None:
    text = drawn()
    assert "var(--ink)" in text
    assert INK not in text
    assert "font-family" not in text


def test_no_address_is_named() -> None:
    assert "http" not in drawn()


def test_the_chart_has_a_title_in_words() -> None:
    assert "<title>a &lt; b</title>" in drawn()


def test_two_charts_in_one_page_share_no_id() -> None:
    first, second = (set(re.findall(r'id="([^"]*)"', drawn(name))) for name in "ab")
    assert first
    assert first.isdisjoint(second)


def test_every_reference_has_its_target() -> None:
    text = drawn()
    used = set(re.findall(r'(?:href="#|url\(#)([^")]*)', text))
    assert used
    assert used <= set(re.findall(r'id="([^"]*)"', text))
