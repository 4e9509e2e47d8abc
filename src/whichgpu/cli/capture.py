"""``whichgpu capture``: what a source holds, counted, without any GPU."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from whichgpu.cli.asking import AUTO, workload_options
from whichgpu.cli.collecting import uncollected
from whichgpu.cli.group import Command
from whichgpu.cli.inputs import captured
from whichgpu.cli.options import option, output_options
from whichgpu.cli.output import json_document, write
from whichgpu.cli.tables import Column, paragraph, table, terminal_width
from whichgpu.errors import InvalidValue
from whichgpu.explaining import N_, _
from whichgpu.explaining.quantities import count, percent, size, work
from whichgpu.workload import Workload


@click.command(
    cls=Command,
    help=N_("What a model costs, whatever the GPU: parameters, operations, memory."),
    epilog=N_("Example: whichgpu capture examples/mnist_cnn.py"),
)
@click.argument("source", metavar="SOURCE")
@workload_options()
@option(
    "--save", metavar="FILE", help=N_("Save the capture, to read it here or elsewhere (.json, or .json.gz compressed).")
)
@output_options()
@uncollected
def command(source: str, save: str | None, as_json: bool, lang: str | None, **options: Any) -> None:
    """The counts of one source."""
    from whichgpu import documents
    from whichgpu.cli.answer import workload_lines

    if options["batch_size"] == AUTO:
        raise InvalidValue(
            "the largest batch depends on a GPU, and a capture has none",
            field="batch-size",
            hint="ask whichgpu estimate or recommend, or give a number",
        )
    workload = captured(source, options)
    document = documents.capture(workload, allow_uncovered=options["allow_uncovered"])
    if save is not None:
        _save(workload, Path(save), document)
    if as_json:
        json_document(document)
        return
    available = terminal_width()
    for line in workload_lines(workload, available):
        write(line)
    write("")
    write(_counts(document, available))
    write("")
    write(_kinds(document, available))
    for row in document["uncosted"]:
        line = _("{operator} has no known cost: {share} of the data moved").format(
            operator=row["operator"], share=percent(row["share"])
        )
        write(paragraph(line, available))


def _save(workload: Workload, path: Path, counts: Mapping[str, Any]) -> None:
    from whichgpu.capturing import saved

    try:
        saved.write(workload, path, counts)
    except OSError as error:
        raise InvalidValue(
            "{path}: cannot be written ({error})", path=path, error=error.strerror, field="save"
        ) from error


def _counts(document: Mapping[str, Any], available: int | None) -> str:
    rows = [
        [_("parameters"), count(document["parameters"])],
        [_("trainable parameters"), count(document["trainable_parameters"])],
        [_("operators"), count(document["operators"])],
        [_("forward pass"), work(document["forward_flops"])],
        [_("backward pass"), work(document["backward_flops"])],
        [_("activations kept for the backward pass"), size(document["saved_activation_bytes"])],
        [_("peak memory without framework"), size(document["peak_memory_bytes"])],
        [_("share of the work that is understood"), percent(document["coverage"])],
    ]
    return table([Column(heading=_("quantity")), Column(heading=_("value"), right=True)], rows, available)


def _kinds(document: Mapping[str, Any], available: int | None) -> str:
    columns = [
        Column(heading=_("operator")),
        Column(heading=_("phase")),
        Column(heading=_("number"), right=True),
        Column(heading=_("work"), right=True),
    ]
    rows = [[row["kind"], row["phase"], count(row["operators"]), work(row["flops"])] for row in document["kinds"]]
    return table(columns, rows, available)
