"""``whichgpu fits``: what one card can train and run, by category."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from whichgpu.cli.group import Command
from whichgpu.cli.inputs import catalog
from whichgpu.cli.options import catalogue_options, option, output_options, room_options
from whichgpu.cli.output import json_document, write
from whichgpu.cli.tables import Column, paragraph, table, terminal_width
from whichgpu.explaining import N_, _, messages
from whichgpu.explaining.quantities import count, size


@click.command(
    cls=Command,
    help=N_("What a GPU can train and run: by category the largest built-in model that fits, and its largest batch."),
    epilog=N_("Example: whichgpu fits --gpu rtx-4090 --category language-model"),
)
@option("--gpu", "gpu", required=True, metavar="ID", help=N_("The GPU."))
@option("--category", "categories", multiple=True, metavar="NAME", help=N_("Only this category; may be repeated."))
@room_options()
@catalogue_options()
@output_options()
def command(gpu: str, categories: Sequence[str], as_json: bool, lang: str | None, **options: Any) -> None:
    """The capabilities of one GPU."""
    from whichgpu import documents
    from whichgpu.predicting import under, usable_bytes
    from whichgpu.recommending.capability import capabilities

    found = under(catalog(options["gpus_files"]).get(gpu), options["system"], display=options["display"])
    document = documents.fits(found, usable_bytes(found), list(capabilities(found, categories)))
    if as_json:
        json_document(document)
        return
    available = terminal_width()
    usable = document["usable_memory_bytes"]
    if usable is not None:
        write(_("{gpu}: {usable} of memory for a process").format(gpu=found.id, usable=size(usable)))
    write(_table(document, available))
    write(
        paragraph(
            _("Up to {tried} models of each category were tried, evenly spaced by size; the first larger one is named.")
            .format(tried=max((row["tried"] for row in document["fits"]), default=0)),
            available,
        )
    )  # fmt: skip


def _table(document: dict[str, Any], available: int | None) -> str:
    columns = [
        Column(heading=_("category")),
        Column(heading=_("phase")),
        Column(heading=_("largest that fits")),
        Column(heading=_("parameters"), right=True),
        Column(heading=_("largest batch"), right=True),
        Column(heading=_("sequence length"), right=True, weight=50),
        Column(heading=_("too large"), weight=60),
    ]
    return table(columns, [_row(row) for row in document["fits"]], available)


def _row(row: dict[str, Any]) -> list[str]:
    numbers = ("parameters", "batch_size", "sequence_length")
    return [
        row["category"],
        _(messages.PHASES[row["phase"]]),
        row["name"] or "–",
        *("–" if row[name] is None else count(row[name]) for name in numbers),
        row["next_name"] or "–",
    ]
