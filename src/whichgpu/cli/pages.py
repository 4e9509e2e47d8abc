"""Blocks of the guide and of explanations on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from whichgpu.cli.output import write
from whichgpu.cli.tables import Column, paragraph, table, terminal_width, width
from whichgpu.guiding.reading import Block

_READABLE: Final = 100
"""Longer lines tire the eye, however wide the terminal is."""


def show(blocks: Iterable[Block]) -> None:
    """Prints the blocks, parted by blank lines."""
    available = terminal_width()
    write("\n\n".join(_shown(block, available) for block in blocks))


def _shown(block: Block, available: int | None) -> str:
    readable = None if available is None else min(available, _READABLE)
    if block.table is not None:
        right = block.table.right
        columns = [Column(heading=text, right=index in right) for index, text in enumerate(block.table.headings)]
        return table(columns, block.table.rows, available)
    if block.kind == "list":
        return "\n".join(paragraph(item, readable, "  ", "- ") for item in block.items)
    if block.kind == "heading":
        rule = ("=" if block.level == 1 else "-") * width(block.text)
        return (
            f"{block.text}\n{rule}" if available is None else f"{paragraph(block.text, readable)}\n{rule[:available]}"
        )
    return paragraph(block.text, readable)
