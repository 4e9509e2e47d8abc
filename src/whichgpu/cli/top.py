"""``whichgpu top``: the best GPUs over the reference workloads, with no model given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from whichgpu.cli.group import Command
from whichgpu.cli.inputs import catalog, question
from whichgpu.cli.options import catalogue_options, limit_options, output_options, top_option
from whichgpu.cli.output import json_document, write
from whichgpu.cli.tables import Column, paragraph, table, terminal_width
from whichgpu.explaining import N_, _, messages
from whichgpu.explaining.quantities import money, plain
from whichgpu.recommending import Standing

_ON_A_TERMINAL = 10


@click.command(
    cls=Command,
    help=N_("The best GPUs over a reference workload of each category, by goal, vendor and budget."),
    epilog=N_("Example: whichgpu top --goal cheapest --vendor nvidia --budget 900usd"),
)
@limit_options()
@catalogue_options()
@top_option()
@output_options()
def command(as_json: bool, lang: str | None, top: int | None, **options: Any) -> None:
    """The standings."""
    from whichgpu import documents
    from whichgpu.recommending import top as standings_of
    from whichgpu.zoo import reference_workloads

    found = catalog(options["gpus_files"])
    asked = question(options, found)
    workloads = reference_workloads()
    standings = standings_of(workloads, found, asked)
    if as_json:
        json_document(documents.top(standings, workloads, asked))
        return
    available = terminal_width()
    rows = top or (None if available is None else _ON_A_TERMINAL)
    write(paragraph(_("Goal {goal}").format(goal=_(messages.GOALS[str(asked.goal)])), available))
    write(
        paragraph(
            _("1 is the best GPU of a workload, 2 is twice its time, cost or energy; the score is the geometric mean."),
            available,
        )
    )
    write("")
    write(_table(standings[:rows], [workload.name for workload in workloads], available))
    if not standings:
        write(_("No GPU qualifies for all reference workloads."))


def _table(standings: Sequence[Standing], names: Sequence[str], available: int | None) -> str:
    columns = [
        Column(heading="#", right=True),
        Column(heading=_("GPU")),
        Column(heading=_("score"), right=True),
        *(Column(heading=name, right=True, weight=40) for name in names),
        Column(heading=_("price"), right=True, weight=80),
        Column(heading=_("had"), weight=75),
        Column(heading=_("software"), weight=70),
    ]
    rows = [
        [
            str(each.rank),
            each.gpu.id,
            plain(each.score),
            *(plain(each.relative[name]) for name in names),
            _price(each),
            _(messages.WAYS[each.candidate.acquisition]),
            _(messages.STATES[each.candidate.support]),
        ]
        for each in standings
    ]
    return table(columns, rows, available)


def _price(each: Standing) -> str:
    estimate = each.candidate.estimate
    if estimate is None or estimate.price is None:
        return "–"
    amount = money(estimate.price["amount"], estimate.price["currency"])
    return f"{amount}/h" if estimate.price["per"] == "hour" else amount
