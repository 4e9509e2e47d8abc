"""``whichgpu explain``: where the time of a workload goes on a GPU, and what would shorten it."""

from __future__ import annotations

from typing import Any

import click

from whichgpu.cli.asking import workload_options
from whichgpu.cli.group import Command
from whichgpu.cli.inputs import captured, catalog
from whichgpu.cli.options import catalogue_options, option, output_options
from whichgpu.cli.output import json_document
from whichgpu.cli.pages import show
from whichgpu.explaining import N_, language


@click.command(
    cls=Command,
    help=N_("Why a GPU takes as long as it does for this model, and what would shorten it."),
    epilog=N_("Example: whichgpu explain examples/lstm.py --gpu rtx-2070"),
)
@click.argument("source", metavar="SOURCE")
@option("--gpu", metavar="ID", help=N_("The GPU whose figures are used; rtx-3060-12gb where none is given."))
@workload_options()
@catalogue_options()
@output_options()
def command(source: str, gpu: str | None, as_json: bool, lang: str | None, **options: Any) -> None:
    """The explanation of one source on one GPU."""
    from whichgpu.guiding import USUAL_GPU, Reader
    from whichgpu.guiding.workloads import explained

    known = catalog(options["gpus_files"])
    reader = Reader(gpu=known.get(gpu or USUAL_GPU), catalog=known)
    made = explained(captured(source, options), reader, language(), allow_uncovered=options["allow_uncovered"])
    if as_json:
        json_document(made.document())
        return
    show(made.blocks)
