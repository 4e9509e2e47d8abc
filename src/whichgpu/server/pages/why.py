"""The page that says where the time and the memory of one workload go on one GPU."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from whichgpu.answering import Ask
from whichgpu.explaining import _
from whichgpu.explaining.quantities import labelled, listed, size
from whichgpu.guiding.figures.memory import PARTS
from whichgpu.guiding.topics import title
from whichgpu.predicting import predict
from whichgpu.predicting.roofline import roofline
from whichgpu.reporting.page import figure
from whichgpu.reporting.plots import memory
from whichgpu.reporting.plots import roofline as under_roofline
from whichgpu.server import forms
from whichgpu.server.html import Child, Html, element, joined, link, table
from whichgpu.server.pages.blocks import block
from whichgpu.server.pages.layout import address, gpu_link, page
from whichgpu.server.pages.measured import of_estimate
from whichgpu.server.rest import questions
from whichgpu.server.working import worked_out

_KEYS = ("source", "workload", "gpus")


async def why(request: Request) -> HTMLResponse:
    """The explanation of a source on one GPU, its roofline, and what fills the memory."""
    return await worked_out(_why, request)


def _why(request: Request) -> HTMLResponse:
    given = forms.document(request.query_params.multi_items())
    document = {name: value for name, value in given.items() if name in _KEYS}
    known = questions(request)
    found = known.answering.explain(Ask(document=document))
    gpu = known.catalog.get(found.gpu)
    estimate = predict(found.workload, [gpu])[0]
    ends = next((n for n, each in enumerate(found.blocks) if each.kind == "list"), len(found.blocks))
    parts: list[Child] = [
        *[block(each) for each in found.blocks[: ends - 1]],
        Html(figure(under_roofline.plot(roofline(found.workload, gpu)))),
        *of_estimate(found.workload, estimate),
        element("h2", _("What fills the memory")),
        _memory(estimate.memory),
        Html(figure(memory.of(found.workload, gpu, estimate))),
        element("h2", _("Read on")),
        element("ul", [element("li", link(address(f"guide/{each}"), title(each))) for each in found.topics]),
        element("p", gpu_link(gpu.id, _("All figures of {name}").format(name=gpu.name)), " · ", _back(request, given)),
    ]
    heading = _("Where the time goes")
    return page(request, labelled(heading, listed((found.workload.name, gpu.name))), element("main", parts))


def _memory(parts: Any) -> Html:
    rows = [[_(text), size(getattr(parts, name))] for name, text in PARTS.items() if getattr(parts, name)]
    rows.append([_("in all"), size(parts.total_bytes)])
    return table([_("part"), _("memory")], rows, _("What fills the memory"))


def _back(request: Request, given: dict[str, Any]) -> Html:
    from whichgpu.server.pages.form import flat

    fields = dict(flat({name: value for name, value in given.items() if name != "gpus"}))
    return joined(link(address("recommend", **fields), _("The whole ranking for this question")))
