"""``whichgpu gpus``: look GPUs up; no framework and no arithmetic is loaded for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import click

from whichgpu.catalog import Catalog
from whichgpu.cli.group import Command, Group
from whichgpu.cli.inputs import catalog, vendors
from whichgpu.cli.options import Amount, Name, catalogue_options, option, output_options, unknown
from whichgpu.cli.output import json_document, write
from whichgpu.cli.tables import Column, table, terminal_width
from whichgpu.explaining import N_, _
from whichgpu.explaining.figures import COLUMNS, heading, value_text
from whichgpu.gpu import FORMS, MARKETS, Gpu
from whichgpu.units import GIB

_DEFAULT: Final = (
    "id",
    "name",
    "memory_bytes",
    "memory_bytes_per_s",
    "fp32_flops_per_s",
    "fp16_tensor_fp32acc_flops_per_s",
    "board_power_w",
    "release_date",
    "form",
)
_WEIGHTS: Final = {"id": 100, "name": 40, "release_date": 50, "form": 30, "fp16_tensor_fp32acc_flops_per_s": 60}


def _filters(function: Callable[..., Any]) -> Callable[..., Any]:
    for decorator in reversed(
        (
            option(
                "--vendor",
                "vendors_given",
                multiple=True,
                metavar="NAME",
                help=N_("Only this vendor; may be repeated."),
            ),
            option("--architecture", metavar="NAME", help=N_("Only this architecture.")),
            option("--form", type=Name(N_("form"), FORMS), help=N_("Only this form.")),
            option("--market", type=Name(N_("market"), MARKETS), help=N_("Only this market.")),
            option("--min-memory-gb", type=Amount(1e5), help=N_("The least memory.")),
            option("--max-power-w", type=Amount(1e5), help=N_("The most the board may draw.")),
            option("--since", metavar="YYYY[-MM]", help=N_("Released then or later.")),
            option("--new", "only_new", is_flag=True, help=N_("Only what is sold new.")),
            option("--search", metavar="TEXT", help=N_("Only entries whose id, name or alias contains this.")),
            option("--sort", default="", metavar="COLUMN", help=N_("Sort by this column; a leading - reverses.")),
            option(
                "--columns", default="", metavar="A,B,…", help=N_("Columns to show; any figure of docs/catalog.md.")
            ),
        )
    ):
        function = decorator(function)
    return function


@click.group(
    cls=Group,
    name="gpus",
    invoke_without_command=True,
    help=N_("List GPUs: filter, sort, choose columns. See also show and compare."),
)
@_filters
@catalogue_options()
@output_options()
@click.pass_context
def command(
    context: click.Context, /, gpus_files: Sequence[str], as_json: bool, lang: str | None, **options: Any
) -> None:
    """Every entry that passes the filters."""
    context.obj = gpus_files
    if context.invoked_subcommand is not None:
        return
    found = catalog(gpus_files)
    chosen = _sorted([gpu for gpu in found.gpus if _passes(gpu, options, found)], options["sort"])
    if as_json:
        from whichgpu import documents

        json_document(documents.gpus(chosen))
        return
    write(_list(chosen, _columns(options["columns"])))
    write(_("{count} entries").format(count=len(chosen)))


def _passes(gpu: Gpu, options: Mapping[str, Any], found: Catalog) -> bool:
    wanted = vendors(options["vendors_given"], found)
    memory, power = options["min_memory_gb"], options["max_power_w"]
    text = (options["search"] or "").lower()
    names = (gpu.id, gpu.name, *gpu.aliases)
    return (
        (not wanted or gpu.vendor in wanted)
        and options["architecture"] in (None, gpu.architecture)
        and options["form"] in (None, gpu.form)
        and options["market"] in (None, gpu.market)
        and (memory is None or (gpu.get("memory_bytes") or 0.0) >= memory * GIB)
        and (power is None or (gpu.get("board_power_w") or float("inf")) <= power)
        and (options["since"] is None or gpu.release_date >= options["since"])
        and (not options["only_new"] or gpu.sold_new)
        and (not text or any(text in name.lower() for name in names))
    )


def _sorted(found: list[Gpu], key: str) -> list[Gpu]:
    if not key:
        return found
    name = key.lstrip("-")
    _known(name)
    known = [gpu for gpu in found if _cell(gpu, name) is not None]
    rest = [gpu for gpu in found if _cell(gpu, name) is None]
    return sorted(known, key=lambda gpu: _cell(gpu, name), reverse=key.startswith("-")) + rest


def _cell(gpu: Gpu, name: str) -> Any:
    figure = gpu.figures.get(name)
    return figure.value if figure is not None else getattr(gpu, name, None)


def _columns(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()] or list(_DEFAULT)
    for name in names:
        _known(name)
    return names


def _known(name: str) -> None:
    if name not in COLUMNS:
        raise unknown(N_("column"), name, COLUMNS)


def _list(found: Sequence[Gpu], names: Sequence[str]) -> str:
    columns = [
        Column(heading=heading(name), right=COLUMNS[name] != "text", weight=_WEIGHTS.get(name, 80)) for name in names
    ]
    rows = [[value_text(name, _cell(gpu, name)) for name in names] for gpu in found]
    return table(columns, rows, terminal_width())


@command.command("show", cls=Command, help=N_("Every figure of one GPU with its source."))
@click.argument("gpu", metavar="ID")
@catalogue_options()
@output_options()
@click.pass_context
def show(context: click.Context, /, gpu: str, gpus_files: Sequence[str], as_json: bool, lang: str | None) -> None:
    """One entry."""
    from whichgpu import documents
    from whichgpu.cli.entry import entry_text

    found = catalog([*(context.obj or ()), *gpus_files])
    document = documents.gpu(found.get(gpu), found)
    if as_json:
        json_document(document)
        return
    write(entry_text(document, terminal_width()))


@command.command(
    "compare",
    cls=Command,
    help=N_("GPUs side by side: figures, and predicted time and performance per watt of the reference workloads."),
)
@click.argument("gpus", metavar="ID ID…", nargs=-1, required=True)
@catalogue_options()
@output_options()
@click.pass_context
def compare(
    context: click.Context, /, gpus: Sequence[str], gpus_files: Sequence[str], as_json: bool, lang: str | None
) -> None:
    """Several entries."""
    from whichgpu import documents
    from whichgpu.cli.entry import comparison_text
    from whichgpu.recommending import reference_estimates
    from whichgpu.zoo import reference_workloads

    found = catalog([*(context.obj or ()), *gpus_files])
    chosen = list(dict.fromkeys(found.get(name).id for name in gpus))
    entries = [found.get(name) for name in chosen]
    workloads = reference_workloads()
    table_of = reference_estimates(workloads, entries)
    if as_json:
        json_document(documents.comparison(entries, found, table_of))
        return
    write(comparison_text(entries, workloads, table_of, terminal_width()))
