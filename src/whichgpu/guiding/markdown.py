"""A page of the guide as Markdown."""

from __future__ import annotations

from whichgpu.guiding.reading import Block, Table
from whichgpu.guiding.topics import Page


def markdown(page: Page) -> str:
    """The page as Markdown, tables in GitHub's form."""
    return "\n\n".join(_block(block) for block in page.blocks) + "\n"


def _block(block: Block) -> str:
    if block.table is not None:
        return _table(block.table)
    if block.kind == "list":
        return "\n".join(f"- {item}" for item in block.items)
    return f"{'#' * block.level} {block.text}" if block.kind == "heading" else block.text


def _table(table: Table) -> str:
    rule = ["---:" if index in table.right else "---" for index in range(len(table.headings))]
    rows = (table.headings, rule, *table.rows)
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)
