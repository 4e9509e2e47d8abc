"""``whichgpu recommend``: a ranked, explained answer for one workload."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from whichgpu.cli.asking import longest_option, workload_options
from whichgpu.cli.collecting import uncollected
from whichgpu.cli.group import Command
from whichgpu.cli.inputs import captured, catalog, question
from whichgpu.cli.limits import requirement_options, written
from whichgpu.cli.options import Names, catalogue_options, limit_options, option, output_options, top_option
from whichgpu.cli.output import json_document, write
from whichgpu.cli.tables import terminal_width
from whichgpu.errors import UsageError
from whichgpu.explaining import N_
from whichgpu.requirement import OBJECTIVES

if TYPE_CHECKING:
    from whichgpu.asking.reading import Asked
    from whichgpu.recommendation import Recommendation

_ON_A_TERMINAL = 10


@click.command(
    cls=Command,
    help=N_("Which GPU for this model? SOURCE is a script or file of a model, or a built-in workload (whichgpu zoo)."),
    epilog=N_("Example: whichgpu recommend examples/lstm.py --budget 150000jpy --goal fastest"),
)
@click.argument("source", metavar="SOURCE", required=False)
@limit_options()
@requirement_options()
@workload_options()
@longest_option()
@catalogue_options()
@option(
    "--pareto",
    type=Names("objective", OBJECTIVES, "time,cost,price,power,energy"),
    help=N_("Name the GPUs that no other beats in one of these without losing in another."),
)
@option("--report", metavar="FILE.html|.md|.csv", help=N_("Write the whole answer to a file, too."))
@top_option()
@output_options()
@uncollected
def command(source: str | None, as_json: bool, lang: str | None, top: int | None, **options: Any) -> None:
    """Rank every GPU of the catalogue for one workload, or for several by weight."""
    from whichgpu.recommending import recommend_together

    found = catalog(options["gpus_files"])
    asked = written(options, source)
    limits = question(options, found, asked)
    works = [(captured(name, chosen), weight) for name, weight, chosen in _works(asked, source, options)]
    answer = recommend_together(works, found, limits, allow_uncovered=options["allow_uncovered"])
    if options["report"] is not None:
        _report(answer, Path(options["report"]), limits.currency)
    if as_json:
        json_document(answer.document())
        return
    from whichgpu.cli.answer import answer_text

    available = terminal_width()
    rows = top or (None if available is None else _ON_A_TERMINAL)
    write(answer_text(answer, rows, available))


def _works(asked: Asked, source: str | None, options: dict[str, Any]) -> Iterator[tuple[str, float, dict[str, Any]]]:
    """Each source with its weight and the options of its capture: those of the command line win over the file's."""
    for work in asked.work:
        name = source or work.source
        if name is None:
            raise UsageError(
                "there is no source to recommend for",
                field="source",
                hint=N_("give a Keras script, or a name that whichgpu zoo lists"),
            )
        chosen = dict(options)
        for key, given in work.options.items():
            if chosen.get(key) in (None, False):
                chosen[key] = ",".join(given) if isinstance(given, tuple) else given
        if chosen.get("stack") is None:
            chosen["stack"] = asked.requirements.software.framework
        yield name, work.weight, chosen


def _report(answer: Recommendation, path: Path, currency: str) -> None:
    from whichgpu.reporting import write as write_report

    write_report(answer, path, currency)
