"""Answers as Markdown that an assistant can read out, in the active language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from whichgpu.answering import Estimated
from whichgpu.estimate import Estimate
from whichgpu.explaining import _, messages
from whichgpu.explaining.figures import heading, value_text
from whichgpu.explaining.measured import measured_sentence
from whichgpu.explaining.quantities import duration, energy, interval, money, power, rate, size
from whichgpu.gpu import Gpu
from whichgpu.guiding.reading import Block


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def estimates(answer: Estimated) -> str:
    """Estimates of one workload, a row a GPU; what others measured, and what the catalogue lacks, is said."""
    name = answer.workload.name
    headings = [_("GPU"), _("time a step"), _("samples/s"), _("memory"), _("fit"), _("power"), _("energy"), _("limit")]
    rows = [
        [
            each.gpu,
            interval(each.latency_s, duration),
            rate(each.throughput_per_s.mid),
            size(each.peak_memory_bytes.mid),
            _(messages.FITS[str(each.fit)]),
            "–" if each.power_w is None else power(each.power_w.mid),
            "–" if each.energy_j is None else energy(each.energy_j.mid),
            _(messages.BOUNDS[str(each.bound)]),
        ]
        for each in answer.estimates
    ]
    lacking = [
        _("{gpu}: the catalogue lacks {figure}").format(gpu=gpu, figure=figure)
        for gpu, figure in answer.missing.items()
    ]
    measured = [
        f"- {measured_sentence(name, gpu, row)}" for (_number, gpu), each in answer.public.items() for row in each
    ]
    beside = [_("Measured by others:"), "\n".join(measured)] if measured else []
    return "\n\n".join([f"# {name}", table(headings, rows), *beside, *lacking])


def figures(found: Gpu) -> str:
    """Every figure of one GPU as it is printed in its source, and its prices."""
    rows = [
        [heading(name), value_text(name, figure.value), figure.quoted, _("derived") if figure.derived else _("quoted")]
        for name, figure in found.figures.items()
    ]
    facts = [value_text(name, getattr(found, name)) for name in ("vendor", "architecture", "chip", "release_date")]
    return "\n\n".join(
        [
            f"# {found.name}",
            " · ".join(facts),
            table([_("figure"), _("value"), _("as printed"), _("origin")], rows),
            *_prices(found),
        ]
    )


def _prices(found: Gpu) -> list[str]:
    from whichgpu.catalog.prices import default_prices

    lines = []
    for price in default_prices().of(found.id):
        amount = money(price.money.amount, price.money.currency)
        amount = _("{amount} an hour").format(amount=amount) if price.way == "rented" else amount
        text = _("{way}: {amount} ({date}, {source})")
        way = _(messages.WAYS[price.way])
        lines.append("- " + text.format(way=way, amount=amount, date=price.date, source=price.source))
    return ["\n".join(lines)] if lines else []


def compared(found: Sequence[Gpu], times: Mapping[str, Mapping[str, Estimate | None]]) -> str:
    """GPUs side by side: the time of the reference workloads, then the figures that any of them has."""
    names = dict.fromkeys(name for each in found for name in each.figures)
    headings = [_("figure"), *(each.name for each in found)]
    figures = [
        [
            heading(name),
            *(value_text(name, each.figures[name].value if name in each.figures else None) for each in found),
        ]
        for name in names
    ]
    predicted = [
        [workload, *("–" if row[each.id] is None else _time(row[each.id]) for each in found)]
        for workload, row in times.items()
    ]
    return "\n\n".join(
        [
            f"## {_('time a step')}",
            table([_("workload"), *headings[1:]], predicted),
            f"## {_('Figures')}",
            table(headings, figures),
        ]
    )


def _time(estimate: Estimate | None) -> str:
    return "–" if estimate is None else duration(estimate.latency_s.mid)


def read_out(blocks: Sequence[Block]) -> str:
    """The blocks of a text."""
    return "\n\n".join(_block(each) for each in blocks)


def _block(block: Block) -> str:
    if block.table is not None:
        return table(block.table.headings, block.table.rows)
    if block.kind == "list":
        return "\n".join(f"- {item}" for item in block.items)
    return f"{'#' * block.level} {block.text}" if block.kind == "heading" else block.text
