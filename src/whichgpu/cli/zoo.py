"""``whichgpu zoo``: the built-in workloads by what one wants to do, found by a word, or one of them in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from whichgpu.cli.group import Command
from whichgpu.cli.options import option, output_options
from whichgpu.cli.output import json_document, write
from whichgpu.cli.tables import Column, paragraph, table, terminal_width
from whichgpu.errors import InvalidValue
from whichgpu.explaining import N_, _
from whichgpu.explaining.purposes import PURPOSES
from whichgpu.explaining.quantities import count, labelled, size, work
from whichgpu.zoo import Entry, search

_EXAMPLES: Final = 3
_SHOW: Final = "show"


@click.command(
    cls=Command,
    help=N_(
        "List the built-in workloads: names that stand for SOURCE in every command. Without a word, the categories; "
        "with words, the entries that contain them; with show and a name, one entry in full."
    ),
    epilog=N_("Examples: whichgpu zoo bert · whichgpu zoo --category diffusion · whichgpu zoo show resnet50"),
)
@click.argument("words", nargs=-1, metavar="[WORD… | show NAME]")
@option("--category", metavar="NAME", help=N_("Only this category."))
@output_options()
def command(words: tuple[str, ...], category: str | None, as_json: bool, lang: str | None) -> None:
    """The built-in workloads."""
    from whichgpu import documents

    if words[:1] == (_SHOW,):
        _show(words[1:], as_json)
        return
    found = search(words, category)
    if as_json:
        json_document(documents.zoo(found))
    elif words or category:
        write(_list(found))
        write(_("{count} entries").format(count=len(found)))
    else:
        write(_summary(found))
        write(paragraph(_("whichgpu zoo WORD finds entries; --category NAME lists one category."), terminal_width()))


def _summary(found: Sequence[Entry]) -> str:
    columns = [
        Column(heading=_("category")),
        Column(heading=_("to"), weight=60),
        Column(heading=_("number"), right=True),
        Column(heading=_("for example"), weight=80),
    ]
    rows = []
    for category, purpose in PURPOSES.items():
        names = [entry.name for entry in found if entry.category == category]
        # Names without a collection's prefix are the ones that people look for.
        known = sorted(names, key=lambda name: (name.count("-") + name.count("_"), len(name), name))
        rows.append([category, _(purpose), count(len(names)), ", ".join(known[:_EXAMPLES])])
    return table(columns, rows, terminal_width())


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


def _show(names: Sequence[str], as_json: bool) -> None:
    from whichgpu import documents, zoo

    if len(names) != 1:
        raise InvalidValue(
            "show takes one name, not {count}", count=len(names), field="source", hint="whichgpu zoo show resnet50"
        )
    document = documents.zoo_entry(zoo.entry(names[0]))
    if as_json:
        json_document(document)
        return
    available = terminal_width()
    write(paragraph(labelled(document["name"], _(PURPOSES[document["category"]])), available))
    write(paragraph(_("Source: {source}").format(source=document["source"]), available))
    if document["also_called"]:
        write(paragraph(_("Also called: {names}").format(names=", ".join(document["also_called"])), available))
    write("")
    write(_facts(document, available))
    write("")
    write(_graphs(document, available))


def _facts(document: Mapping[str, Any], available: int | None) -> str:
    length = document["sequence_length"]
    rows = [
        [_("category"), document["category"]],
        [_("family"), document["family"]],
        [_("parameters, counted"), count(document["parameters"])],
        [_("parameters, as the source prints them"), _published(document["published_parameters"])],
        [_("input"), document["input"]],
        [_("sequence length"), "–" if length is None else count(length)],
        [_("batch size"), count(document["batch_size"])],
        [_("precision"), _("the framework's own") if document["precision"] == "default" else document["precision"]],
        [_("optimizer"), document["optimizer"] if "train" in document["graphs"] else "–"],
    ]
    return table([Column(heading=_("quantity")), Column(heading=_("value"))], rows, available)


def _published(text: str) -> str:
    """A count as its source prints it, an exact one with its digits in groups."""
    return count(int(text)) if text.isdecimal() else text or "–"


def _graphs(document: Mapping[str, Any], available: int | None) -> str:
    columns = [
        Column(heading=_("phase")),
        Column(heading=_("step"), weight=70),
        Column(heading=_("operators"), right=True, weight=80),
        Column(heading=_("forward pass"), right=True),
        Column(heading=_("backward pass"), right=True),
        Column(heading=_("peak memory in FP32"), right=True, weight=60),
    ]
    rows = [
        [
            row["phase"],
            row["step"],
            count(row["operators"]),
            work(row["forward_flops"]),
            work(row["backward_flops"]),
            size(row["peak_memory_bytes"]),
        ]
        for row in document["phases"]
    ]
    return table(columns, rows, available)
