"""One GPU with all its figures, and several side by side, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from whichgpu.catalog.measured import Measured, measured
from whichgpu.cli.tables import Column, paragraph, table
from whichgpu.estimate import Estimate
from whichgpu.explaining import _, messages
from whichgpu.explaining.figures import heading, value_text
from whichgpu.explaining.quantities import SYSTEM_NAMES, duration, money, plain, shown
from whichgpu.gpu import Gpu
from whichgpu.workload import Workload


def entry_text(document: Mapping[str, Any], available: int | None) -> str:
    """The document ``whichgpu/gpu/1`` as text."""
    parts = [f"{document['name']}  ({document['id']})"]
    facts = [value_text(name, document[name]) for name in ("vendor", "architecture", "chip", "form", "release_date")]
    parts.append(" · ".join(facts))
    if document["note"]:
        parts.append(paragraph(_(document["note"]), available))
    parts.append("")
    parts.append(_figures(document["figures"], available))
    if document["board_figures"]:
        parts.extend(["", _("Of the whole board:"), _figures(document["board_figures"], available)])
    parts.extend(["", _("Prices:"), *(_prices(document["prices"], available))])
    parts.extend(["", _("Software:"), _support(document["support"], available)])
    parts.extend(["", paragraph(_("Also called: {names}").format(names=", ".join(document["aliases"])), available)])
    return "\n".join(parts)


def _figures(figures: Mapping[str, Any], available: int | None) -> str:
    columns = [
        Column(heading=_("figure")),
        Column(heading=_("value"), right=True),
        Column(heading=_("as printed"), weight=60),
        Column(heading=_("origin"), weight=50),
        Column(heading=_("source"), weight=40),
    ]
    rows = [
        [heading(name), value_text(name, figure["value"]), figure["quoted"], _origin(figure), figure["source"]]
        for name, figure in figures.items()
    ]
    return table(columns, rows, available)


def _origin(figure: Mapping[str, Any]) -> str:
    kind = _("derived") if figure["derived"] else _("quoted")
    return kind if figure["checked"] else f"{kind}, {_('unchecked')}"


def _prices(prices: Sequence[Mapping[str, Any]], available: int | None) -> list[str]:
    if not prices:
        return [paragraph(_("No current price is known."), available, "  ")]
    lines = []
    for price in prices:
        amount = money(price["amount"], price["currency"])
        if price["per"] == "hour":
            amount = _("{amount} an hour").format(amount=amount)
        way = _(messages.WAYS[price["way"]])
        text = _("{way}: {amount} ({date}, {source})")
        said = text.format(way=way, amount=amount, date=price["date"], source=price["source"])
        lines.append(paragraph(said, available, "  "))
    return lines


def _support(states: Sequence[Mapping[str, Any]], available: int | None) -> str:
    columns = [
        Column(heading=_("software")),
        Column(heading=_("system")),
        Column(heading=_("state")),
        Column(heading=_("until"), weight=80),
        Column(heading=_("source"), weight=40),
        Column(heading=_("date"), weight=30),
    ]
    rows = [
        [
            shown("", state["framework"]),
            SYSTEM_NAMES[state["os"]],
            _(messages.STATES[state["status"]]),
            state["until"] or "",
            state["source"],
            state["date"],
        ]
        for state in states
    ]
    return table(columns, rows, available)


def comparison_text(
    gpus: Sequence[Gpu],
    workloads: Sequence[Workload],
    estimates: Mapping[str, Mapping[str, Estimate | None]],
    available: int | None,
) -> str:
    """Figures of the GPUs side by side, then time and performance per watt of every reference workload."""
    columns = [Column(heading=_("figure")), *(Column(heading=gpu.id, right=True) for gpu in gpus)]
    names = dict.fromkeys(name for gpu in gpus for name in gpu.figures)
    rows = [
        [heading(name), *(value_text(name, gpu.figures[name].value if name in gpu.figures else None) for gpu in gpus)]
        for name in names
    ]
    ranges = paragraph(_("Predicted; the range of each figure is in --json."), available)
    parts = [table(columns, rows, available), f"{_predicted(gpus, workloads, estimates, available)}\n{ranges}"]
    found = measured([gpu.id for gpu in gpus])
    if found:
        parts.append(_("Measured by others, training, samples a second:") + "\n" + _measured(gpus, found, available))
    return "\n\n".join(parts)


def _predicted(
    gpus: Sequence[Gpu],
    workloads: Sequence[Workload],
    estimates: Mapping[str, Mapping[str, Estimate | None]],
    available: int | None,
) -> str:
    columns = [
        Column(heading=_("workload")),
        Column(heading=_("quantity")),
        *(Column(heading=gpu.id, right=True) for gpu in gpus),
    ]
    rows = []
    for workload in workloads:
        row = [estimates[workload.name][gpu.id] for gpu in gpus]
        times = ["–" if each is None else duration(each.latency_s.mid) for each in row]
        efficiency = ["–" if each is None else per_joule(each) for each in row]
        rows.append([workload.name, _("time a step"), *times])
        rows.append(["", _("samples/J"), *efficiency])
    return table(columns, rows, available)


def _measured(gpus: Sequence[Gpu], found: Sequence[Measured], available: int | None) -> str:
    """One row a workload, precision, software and source; a GPU's cell is its rate at its batch size."""
    columns = [
        Column(heading=_("workload")),
        Column(heading=_("step"), weight=50),
        Column(heading=_("precision")),
        Column(heading=_("software"), weight=60),
        Column(heading=_("source"), weight=40),
        *(Column(heading=gpu.id, right=True) for gpu in gpus),
    ]
    cells: dict[tuple[str, ...], dict[str, str]] = {}
    for each in found:
        row = cells.setdefault((each.workload, each.step, each.precision, each.stack, each.source), {})
        row[each.gpu] = _("{rate} (batch {batch})").format(rate=plain(each.samples_per_s), batch=each.batch_size)
    rows = [[*conditions, *(row.get(gpu.id, "–") for gpu in gpus)] for conditions, row in cells.items()]
    return table(columns, rows, available)


def per_joule(estimate: Estimate) -> str:
    """Performance per watt, samples a joule; a dash where the power is unknown."""
    if estimate.power_w is None:
        return "–"
    return plain(estimate.throughput_per_s.mid / estimate.power_w.mid)
