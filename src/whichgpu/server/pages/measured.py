"""What others measured, as parts of pages: of a whole GPU, and of one workload on it."""

from __future__ import annotations

from whichgpu.catalog.measured import Measured, measured
from whichgpu.estimate import Estimate
from whichgpu.explaining import _
from whichgpu.explaining.measured import measured_sentence
from whichgpu.explaining.quantities import as_title, count, plain
from whichgpu.measurements.published import Published, published
from whichgpu.measurements.sources import sources
from whichgpu.server.html import Child, Html, element, link, table
from whichgpu.server.pages.layout import address
from whichgpu.workload import Workload


def of_gpu(gpu: str) -> list[Html]:
    """Training of the reference workloads on one GPU, under a heading; nothing where nobody measured it."""
    found = measured([gpu])
    if not found:
        return []
    title = as_title(_("Measured by others, training, samples a second:"))
    headings = [
        *(_("workload"), _("step"), _("precision"), _("software"), _("batch"), _("samples/s"), _("source")),
    ]
    return [element("h2", title), table(headings, [_cells(each) for each in found], title)]


def _cells(each: Measured) -> list[Child]:
    return [
        link(address(f"zoo/{each.workload}"), each.workload),
        *(each.step, each.precision, each.stack, count(each.batch_size), plain(each.samples_per_s)),
        f"{each.source}, {_source(each.source)}",
    ]


def of_estimate(workload: Workload, estimate: Estimate) -> list[Html]:
    """The same work on the same GPU as others measured it, beside the prediction; nothing where nobody did."""
    rows = published(workload, estimate)
    if not rows:
        return []
    items = [element("li", _line(workload.name, estimate.gpu, row)) for row in rows]
    return [element("h2", as_title(_("Measured by others:"))), element("ul", items)]


def _line(workload: str, gpu: str, row: Published) -> str:
    return f"{measured_sentence(workload, gpu, row)} {_source(row.source)}"


def _source(name: str) -> str:
    """Where the rows are from, as text: pages lead to no other site."""
    return sources()[name].repository
