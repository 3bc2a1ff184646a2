"""Text is escaped by default; only markup built here passes as it is."""

from headstart.report.elements import Html, bullets, callout, join, picture, table, tag


def test_text_is_escaped_and_markup_is_not() -> None:
    assert tag("p", "a < b & c", tag("b", "d")) == "<p>a &lt; b &amp; c<b>d</b></p>"


def test_attributes_are_escaped_and_missing_ones_left_out() -> None:
    assert tag("td", class_='"><x', style=None, hidden=True) == '<td class="&quot;&gt;&lt;x" hidden></td>'
    assert picture("data:,", '"', width=3) == '<img src="data:," alt="&quot;" width="3">'


def test_nothing_to_say_makes_no_box() -> None:
    assert callout("title", [], "note") == ""
    assert "<li>a</li>" in callout("title", ["a"], "note")


def test_joined_strings_are_markup_afterwards() -> None:
    assert isinstance(join("<", None, 3), Html)
    assert join(join("<")) == "&lt;"


def test_a_list_may_be_numbered() -> None:
    assert bullets(["<i>"], "ol") == "<ol><li>&lt;i&gt;</li></ol>"


def test_a_table_names_its_rows_and_keeps_cells_that_are_ready() -> None:
    text = table(["a", "b", "c"], [["<", ">", tag("td", 1)]], "what it is")
    assert '<th scope="row">&lt;</th><td>&gt;</td><td>1</td>' in text
    assert "<caption" in text
