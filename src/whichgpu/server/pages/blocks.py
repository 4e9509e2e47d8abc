"""Blocks of texts, of the guide and of explanations, as HTML."""

from __future__ import annotations

from whichgpu.explaining.quantities import listed
from whichgpu.guiding.reading import Block
from whichgpu.server.html import Child, Html, element, table


def block(found: Block) -> Html:
    """One block."""
    if found.table is not None:
        headings = found.table.headings
        return table(headings, found.table.rows, listed(each for each in headings if each))
    if found.kind == "list":
        return element("ul", [element("li", _coded(item)) for item in found.items])
    if found.kind == "heading":
        return element(f"h{min(found.level, 6)}", _coded(found.text))
    return element("p", _coded(found.text))


def _coded(text: str) -> list[Child]:
    """Text whose parts between backticks are code."""
    return [element("code", part) if number % 2 else part for number, part in enumerate(text.split("`"))]
