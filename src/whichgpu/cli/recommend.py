"""``whichgpu recommend``: a ranked, explained answer for one workload."""

from __future__ import annotations

from typing import Any

import click

from whichgpu.cli.asking import workload_options
from whichgpu.cli.group import Command
from whichgpu.cli.inputs import captured, catalog, question
from whichgpu.cli.options import catalogue_options, limit_options, output_options, top_option
from whichgpu.cli.output import json_document, write
from whichgpu.cli.tables import terminal_width
from whichgpu.explaining import N_

_ON_A_TERMINAL = 10


@click.command(
    cls=Command,
    help=N_("Which GPU for this model? SOURCE is a script or file of a model, or a built-in workload (whichgpu zoo)."),
    epilog=N_("Example: whichgpu recommend examples/lstm.py --budget 150000jpy --goal fastest"),
)
@click.argument("source", metavar="SOURCE")
@limit_options()
@workload_options()
@catalogue_options()
@top_option()
@output_options()
def command(source: str, as_json: bool, lang: str | None, top: int | None, **options: Any) -> None:
    """Rank every GPU of the catalogue for one workload."""
    from whichgpu.recommending import recommend

    found = catalog(options["gpus_files"])
    asked = question(options, found)
    workload = captured(source, options)
    answer = recommend(workload, found, asked, allow_uncovered=options["allow_uncovered"])
    if as_json:
        json_document(answer.document())
        return
    from whichgpu.cli.answer import answer_text

    available = terminal_width()
    rows = top or (None if available is None else _ON_A_TERMINAL)
    write(answer_text(answer, rows, available))
