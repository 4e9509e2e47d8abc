"""``whichgpu zoo``: the built-in workloads, by category."""

from __future__ import annotations

from collections.abc import Sequence

import click

from whichgpu.cli.group import Command
from whichgpu.cli.options import option, output_options
from whichgpu.cli.output import json_document, write
from whichgpu.cli.tables import Column, table, terminal_width
from whichgpu.explaining import N_, _
from whichgpu.explaining.quantities import count
from whichgpu.zoo import Entry, entries


@click.command(
    cls=Command,
    help=N_("List the built-in workloads: names that stand for SOURCE in every command."),
    epilog=N_("Example: whichgpu zoo --category image-classification"),
)
@option("--category", metavar="NAME", help=N_("Only this category."))
@output_options()
def command(category: str | None, as_json: bool, lang: str | None) -> None:
    """The built-in workloads."""
    from whichgpu import documents

    found = entries(category)
    if as_json:
        json_document(documents.zoo(found))
        return
    write(_list(found))
    write(_("{count} entries").format(count=len(found)))


def _list(found: Sequence[Entry]) -> str:
    columns = [
        Column(heading=_("workload")),
        Column(heading=_("category"), weight=80),
        Column(heading=_("family"), weight=60),
        Column(heading=_("parameters"), right=True),
        Column(heading=_("source"), weight=40),
    ]
    rows = [[entry.name, entry.category, entry.family, count(entry.parameters), entry.source] for entry in found]
    return table(columns, rows, terminal_width())
