"""The page that says how far off the predictions are: what was asked for and reached, plots, and every table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse

from whichgpu.explaining import N_, _
from whichgpu.explaining.quantities import count, labelled
from whichgpu.measurements.accuracy import Accuracy, Cell, Part, Table, accuracy, written
from whichgpu.reporting.page import figure
from whichgpu.reporting.plots.accuracy import plots
from whichgpu.server.html import Child, Html, element, joined, link, table
from whichgpu.server.pages.layout import address, page
from whichgpu.server.working import worked_out

_INTRODUCTION: Final = (
    N_(
        "Predictions are compared with published measurements. Every error is the mean over GPUs of each GPU's mean"
        " absolute error, in percent; bias is signed, predicted minus measured. The plots show the first of the two"
        " kinds of prediction."
    ),
    N_(
        "“Without the chip”: no measurement of the GPU's chip was used to fit the prediction. “With the chip”: the chip"
        " was measured, the workload was not."
    ),
    N_(
        "Beside them stands what people reckon by hand for the same work. Roofline: each operator at the longer of its"
        " FLOP at the data sheet's peak and its bytes at the data sheet's bandwidth. FLOP over peak: the FLOP of the"
        " products at the data sheet's peak. Scaled: the time measured on other chips, by the ratio of their FP32"
        " rates."
    ),
    N_(
        "Constants that all chips share were chosen on these measurements, so a new source is predicted less well than"
        " the tables say."
    ),
)

_HEADINGS: Final[Mapping[str, str]] = {
    "name": N_("measurements"),
    "source": N_("source"),
    "family": N_("family"),
    "metric": N_("quantity measured"),
    "level": N_("level"),
    "architecture": N_("architecture"),
    "vendor": N_("vendor"),
    "gpu": N_("processor"),
    "tier": N_("prediction"),
    "gpus": N_("GPUs"),
    "n": N_("rows"),
    "rows": N_("rows"),
    "spec_only": N_("error without the chip"),
    "spec_only_asked": N_("goal without"),
    "calibrated": N_("error with the chip"),
    "calibrated_asked": N_("goal with"),
    "error": N_("mean error"),
    "bias": N_("bias"),
    "coverage": N_("share inside"),
    "width": N_("width of the interval"),
    "roofline": N_("roofline"),
    "flop_over_peak": N_("FLOP over peak"),
    "scaled": N_("scaled"),
    "workloads": N_("workloads"),
    "tau": N_("Kendall's tau"),
    "mean_regret": N_("mean regret"),
    "worst_regret": N_("worst regret"),
    "constant_mean": N_("fixed order, mean"),
    "constant_worst": N_("fixed order, worst"),
    "scored": N_("rows scored"),
    "share": N_("of what could be"),
    "skipped": N_("left out, by code"),
    "error_asked": N_("goal"),
    "apart": N_("rows apart, by code"),
    "ran": N_("runs that fitted"),
    "refused": N_("said not to fit"),
    "failed": N_("runs out of memory"),
    "said_to_fit": N_("said to fit"),
    "right": N_("right verdicts"),
    "right_asked": N_("goal"),
}

_TIERS: Final[Mapping[str, str]] = {"spec-only": N_("without the chip"), "calibrated": N_("with the chip")}

_LEVELS: Final[Mapping[str, str]] = {"e2e": N_("whole models"), "op": N_("single operators")}

_BY: Final[Mapping[str, str]] = {
    "source": N_("Errors by source and family"),
    "architecture": N_("Errors by architecture"),
    "vendor": N_("Errors by vendor"),
}

_TITLES: Final[Mapping[str, str]] = {
    "asked": N_("Goals and what is reached"),
    "memory": N_("Peaks of memory"),
    "verdicts": N_("Verdicts: fits, or does not fit"),
    "decisions": N_("Decisions"),
    "processors": N_("Processors"),
    "counts": N_("Which rows were scored"),
}

_TEXTS: Final[Mapping[str, str]] = {
    "asked": N_("Errors in percent; those in bold reach their goal."),
    "memory": N_(
        "Every row is one published peak; errors are the mean over rows, in percent of what was measured. Rows apart"
        " are in no figure: “sliced” ones ran a batch too large for the card in slices, “impossible” ones measured less"
        " than weights and optimizer's state alone take."
    ),
    "verdicts": N_("A tight fit counts as right whether the run fitted or ran out of memory."),
    "decisions": N_(
        "Workloads that were measured on four or more GPUs. Regret: how much slower, in percent, the GPU predicted"
        " fastest is than the fastest one; up to 3 % counts as none. Fixed order: the regret of the best constant order"
        " of GPUs, chosen in hindsight."
    ),
}

_OPEN: Final = frozenset({"asked", "memory", "verdicts", "decisions"})
"""Tables in sight; the others, which are long, open at a click."""


async def errors(request: Request) -> HTMLResponse:
    """The tables and plots of the predictions' errors."""
    return await worked_out(_errors, request)


def _errors(request: Request) -> HTMLResponse:
    found = accuracy()
    title = _("How far off the predictions are")
    guide = element("p", link(address("guide/benchmarks"), _("How to read a benchmark")))
    parts = [part for each in found.parts for part in _part(found, each)]
    introduction = [element("p", _(text)) for text in _INTRODUCTION]
    return page(request, title, element("main", element("h1", title), introduction, guide, parts))


def _part(found: Accuracy, part: Part) -> Iterator[Child]:
    """The tables of a part; its plots stand after the goals."""
    about = "" if part.ships else _("Measurements that may not be redistributed")
    if about:
        yield element("h2", about)
        yield element(
            "p", _("They were read on {date}; the program ships without them.").format(date=found.date or "–")
        )
    for each in part.tables:
        if each.rows:
            yield _section(each, about)
        if each.kind == "asked" and part.levels:
            yield element("h2", _("Plots"))
            yield [Html(figure(plot)) for plot in plots(part)]


def _section(found: Table, about: str) -> Html:
    title = _title(found)
    label = labelled(about, title) if about else title
    shown = _table(found, label)
    if found.kind not in _OPEN:
        return element("details", element("summary", title), shown)
    text = element("p", _(_TEXTS[found.kind]))
    return joined(element("h3" if about else "h2", title), text, shown)


def _title(found: Table) -> str:
    if found.kind in _TITLES:
        return _(_TITLES[found.kind])
    by = "source" if found.columns[0] == "source" else found.columns[1]
    return labelled(_(_BY[by]), _(_TIERS[found.tier]))


def _table(found: Table, label: str) -> Html:
    rows = [[_cell(found, row, *each) for each in zip(found.columns, row, strict=True)] for row in found.rows]
    return table([_(_HEADINGS[column]) for column in found.columns], rows, label)


def _cell(found: Table, row: tuple[Cell, ...], column: str, cell: Cell) -> Child:
    """A cell; an error that reaches its goal is strong."""
    words = {"tier": _TIERS, "level": _LEVELS}.get(column, {})
    if str(cell) in words:
        return _(words[str(cell)])
    text = count(cell) if isinstance(cell, int) else written(column, cell)
    return element("strong", text) if found.met(row, column) else text
