"""Help texts wrapped by the columns of a terminal: a Japanese character fills two, and names of options stay whole.

What the layout needs is imported when help is shown: no other call waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable

import click

from whichgpu.explaining import _

_LEAST_COLUMNS = 10


class Formatter(click.HelpFormatter):
    """click's layout of help, with lines broken as every other text of the program is."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """How the command is called; no space follows a full-width colon."""
        said = _("Usage:")
        super().write_usage(prog, args, prefix or (said if said.endswith("：") else f"{said} "))

    def write_heading(self, heading: str) -> None:
        """The heading of a section with the colon of its language."""
        from whichgpu.explaining.quantities import labelled

        self.write(f"{'':>{self.current_indent}}{labelled(heading, '').rstrip()}\n")

    def write_text(self, text: str) -> None:
        """Paragraphs under the current indent."""
        from whichgpu.cli.tables import paragraph

        indent = " " * self.current_indent
        self.write("\n\n".join(paragraph(each, self.width, indent) for each in text.split("\n\n")) + "\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Terms with what they mean beside them, or below where a term is longer than ``col_max`` columns."""
        from whichgpu.cli.tables import paragraph, width

        listed = [*rows]
        column = min(max((width(term) for term, _meaning in listed), default=0), col_max) + col_spacing
        margin = " " * (self.current_indent + column)
        for term, meaning in listed:
            start = " " * self.current_indent + term
            if not meaning:
                self.write(f"{start}\n")
                continue
            if width(term) > column - col_spacing:
                self.write(f"{start}\n")
                start = ""
            space = max(self.width, len(margin) + _LEAST_COLUMNS)
            self.write(paragraph(meaning, space, margin, start + " " * (len(margin) - width(start))) + "\n")


class Context(click.Context):
    """The context of a command, whose help is laid out by the formatter above."""

    formatter_class = Formatter
