"""``whichgpu guide``: what networks ask of a GPU and what a GPU is, with the figures of the reader's own."""

from __future__ import annotations

from typing import Any

import click

from whichgpu.cli.group import Command
from whichgpu.cli.inputs import catalog
from whichgpu.cli.options import catalogue_options, output_options
from whichgpu.cli.output import json_document, write
from whichgpu.cli.pages import show
from whichgpu.cli.tables import Column, table, terminal_width
from whichgpu.explaining import N_, _


@click.command(
    cls=Command,
    help=N_("Why the machine behaves so: topics on networks and GPUs, with the figures of your GPU."),
    epilog=N_("Example: whichgpu guide lstm --gpu rtx-2070"),
)
@click.argument("topic", required=False, metavar="[TOPIC]")
@click.option("--gpu", metavar="ID", help=N_("The GPU whose figures are used; rtx-3060-12gb where none is given."))
@catalogue_options()
@output_options()
def command(as_json: bool, lang: str | None, topic: str | None, gpu: str | None, **options: Any) -> None:
    """The topics, or one of them."""
    from whichgpu.guiding import USUAL_GPU, Reader, page, titles

    if topic is None:
        _list(dict(titles()), as_json)
        return
    known = catalog(options["gpus_files"])
    made = page(topic, Reader(gpu=known.get(gpu or USUAL_GPU), catalog=known))
    if as_json:
        json_document(made.document())
        return
    show(made.blocks)


def _list(found: dict[str, str], as_json: bool) -> None:
    if as_json:
        topics = [{"topic": topic, "title": title} for topic, title in found.items()]
        json_document({"schema": "whichgpu/guide/1", "topics": topics})
        return
    columns = [Column(heading=_("topic")), Column(heading=_("about"))]
    write(table(columns, [[topic, title] for topic, title in found.items()], terminal_width()))
    write("")
    write(_("Read one: whichgpu guide TOPIC, with --gpu ID for the figures of your GPU."))
