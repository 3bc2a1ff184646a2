"""The page's HTML elements, built so that text which is not markup is always escaped."""

from collections.abc import Sequence
from html import escape


class Html(str):
    """Markup that is already safe. Any other string is text and is escaped when it becomes a child."""

    __slots__ = ()


Child = str | int | float | None


def tag(name: str, *children: Child, **attributes: Child | bool) -> Html:
    """``<name attribute="…">children</name>``; ``class_`` is class, ``aria_label`` is aria-label, None is left out."""
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    return Html(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: Child) -> Html:
    """The children one after the other, each escaped unless it is ``Html``."""
    return Html("".join(_child(child) for child in children))


def picture(uri: str, alt: str, **attributes: Child | bool) -> Html:
    """An ``<img>`` of a data URI."""
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    return Html(f'<img src="{escape(uri)}" alt="{escape(alt)}"{written}>')


def section(anchor: str, title: str, *children: Child) -> Html:
    """A part of the page under its own heading."""
    return tag("section", tag("h2", title), *children, id=anchor)


def prose(text: Child) -> Html:
    """A paragraph for reading."""
    return tag("p", text)


def figure(body: Html, caption: Child = None) -> Html:
    """Something to look at, scrollable where the screen is narrow, and what it shows in words."""
    words = tag("figcaption", caption) if caption else None
    return tag("figure", tag("div", body, class_="scroll"), words)


def bullets(items: Sequence[str], kind: str = "ul") -> Html:
    """A list of sentences, numbered where ``kind`` is "ol"."""
    return tag(kind, *(tag("li", item) for item in items))


def callout(title: str, items: Sequence[str], kind: str) -> Html:
    """A box that cannot be overlooked; nothing when there is nothing to say."""
    return tag("aside", tag("strong", title), bullets(items), class_=f"callout {kind}") if items else Html()


def table(head: Sequence[Child], rows: Sequence[Sequence[Child]], caption: str, class_: str = "plain") -> Html:
    """A table whose first column names its rows; cells that are ``Html`` of a ``td`` are taken as they are."""
    top = tag("tr", *(tag("th", cell, scope="col") for cell in head))
    body = [tag("tr", tag("th", first, scope="row"), *map(_cell, rest)) for first, *rest in rows]
    name = tag("caption", caption, class_="unseen")
    return tag("div", tag("table", name, tag("thead", top), tag("tbody", *body), class_=class_), class_="scroll")


def _cell(child: Child) -> Html:
    ready = isinstance(child, Html) and child.startswith("<td")
    return child if ready else tag("td", child)  # pyright: ignore[reportReturnType]


def _child(child: Child) -> str:
    if child is None:
        return ""
    return child if isinstance(child, Html) else escape(str(child))


def _attribute(key: str, value: Child | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
