"""HTML made of elements: what is not HTML already is escaped, so that no text of anyone becomes markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

EMPTY: Final = frozenset({"meta", "link", "input", "br", "hr"})


class Html(str):
    """Text that is HTML."""

    __slots__ = ()


Child = str | None | Iterable["Child"]


def element(tag: str, /, *children: Child, **attributes: str | int | bool | None) -> Html:
    """An element; ``class_`` is the attribute class, ``aria_label`` aria-label, True an attribute without a value."""
    given = "".join(_attribute(key, value) for key, value in attributes.items())
    if tag in EMPTY:
        return Html(f"<{tag}{given}>")
    return Html(f"<{tag}{given}>{joined(*children)}</{tag}>")


def _attribute(key: str, value: str | int | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def joined(*children: Child) -> Html:
    """Children one after the other, escaped where they are text."""
    return Html("".join(_one(child) for child in children))


def _one(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    return escape(child) if isinstance(child, str) else joined(*child)


def link(href: str, text: Child) -> Html:
    """A link."""
    return element("a", text, href=href)


def table(headings: Sequence[Child], rows: Iterable[Sequence[Child]], label: str) -> Html:
    """A table that scrolls within its place; the first cell of a row names it."""
    head = element("tr", [element("th", heading, scope="col") for heading in headings])
    body = [
        element("tr", element("th", row[0], scope="row"), [element("td", cell) for cell in row[1:]]) for row in rows
    ]
    whole = element("table", element("thead", head), element("tbody", body))
    return element("div", whole, class_="scroll", tabindex=0, role="region", aria_label=label)
