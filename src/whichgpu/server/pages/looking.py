"""Pages to look things up: GPUs, one of them, several side by side, the built-in models, the guide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from whichgpu import documents, zoo
from whichgpu.estimate import Estimate
from whichgpu.explaining import _, messages
from whichgpu.explaining.figures import heading, value_text
from whichgpu.explaining.purposes import PURPOSES
from whichgpu.explaining.quantities import SYSTEM_NAMES, as_title, count, duration, money, noted, shown, size, work
from whichgpu.gpu import Gpu
from whichgpu.server.html import Child, Html, element, joined, link, table
from whichgpu.server.pages.blocks import block
from whichgpu.server.pages.layout import address, gpu_link, page
from whichgpu.server.pages.measured import of_gpu
from whichgpu.server.rest import compared, guide_page, questions, searched
from whichgpu.server.schemas import MOST_COMPARED
from whichgpu.server.working import worked_out

_COLUMNS = (
    "memory_bytes",
    "memory_bytes_per_s",
    "fp32_flops_per_s",
    "fp16_tensor_fp32acc_flops_per_s",
    "board_power_w",
    "release_date",
)
_MOST_ROWS = 200

Make = Callable[[Request], HTMLResponse]


async def gpus(request: Request) -> HTMLResponse:
    """Every GPU, or those that contain a word; boxes choose those to compare."""
    return await worked_out(_gpus, request)


def _gpus(request: Request) -> HTMLResponse:
    found = searched(request)
    rows = [
        [
            joined(_box(gpu), " ", gpu_link(gpu.id, gpu.name)),
            *(value_text(name, _figure(gpu, name)) for name in _COLUMNS),
        ]
        for gpu in found
    ]
    headings = [_("GPU"), *(heading(name) for name in _COLUMNS)]
    compare = element(
        "form",
        element("p", element("button", _("Compare the chosen ones"), type="submit")),
        table(headings, rows, _("All GPUs")),
        method="get",
        action=address("compare"),
    )
    number = element("p", _("{count} entries").format(count=len(found)))
    main = element("main", element("h1", _("All GPUs")), _search(request, "gpus"), number, compare)
    return page(request, _("All GPUs"), main)


def _box(gpu: Gpu) -> Html:
    label = _("Compare {name}").format(name=gpu.name)
    return element("input", type="checkbox", name="gpu", value=gpu.id, aria_label=label)


def _figure(gpu: Gpu, name: str) -> Any:
    figure = gpu.figures.get(name)
    return getattr(gpu, name, None) if figure is None else figure.value


def _search(request: Request, path: str, **kept: str) -> Html:
    """A field to search by a word."""
    field = element(
        "div",
        element("label", _("Find by a word"), for_="q"),
        element("input", type="search", name="q", id="q", value=request.query_params.get("q", "")),
        class_="field",
    )
    hidden = [element("input", type="hidden", name=name, value=value) for name, value in kept.items() if value]
    button = element("p", element("button", _("Find"), type="submit"))
    return element("form", element("div", field, class_="fields"), hidden, button, method="get", action=address(path))


async def gpu(request: Request) -> HTMLResponse:
    """One GPU with every figure, its prices and its software."""
    return await worked_out(_gpu, request)


def _gpu(request: Request) -> HTMLResponse:
    catalog = questions(request).catalog
    found = documents.gpu(catalog.get(request.path_params["gpu"]), catalog)
    facts = " · ".join(
        value_text(name, found[name]) for name in ("vendor", "architecture", "chip", "form", "release_date")
    )
    own = element(
        "p",
        link(address("", **{"money.own": found["id"]}), _("I have this one: what would be better?")),
    )
    parts: list[Child] = [
        element("h1", found["name"]),
        element("p", facts),
        element("p", _(found["note"])) if found["note"] else None,
        own,
        element("h2", _("Figures")),
        _figures(found["figures"]),
        *(
            [element("h2", _("Of the whole board:")), _figures(found["board_figures"])]
            if found["board_figures"]
            else []
        ),
        *of_gpu(found["id"]),
        element("h2", as_title(_("Prices:"))),
        _prices(found["prices"]),
        element("h2", _("Software")),
        _support(found["support"]),
    ]
    return page(request, found["name"], element("main", parts))


def _figures(figures: Mapping[str, Any]) -> Html:
    rows = [
        [
            heading(name),
            value_text(name, each["value"]),
            each["quoted"],
            _("derived") if each["derived"] else _("quoted"),
            each["source"],
        ]
        for name, each in figures.items()
    ]
    headings = [_("figure"), _("value"), _("as printed"), _("origin"), _("source")]
    return table(headings, rows, _("Figures"))


def _prices(prices: Sequence[Mapping[str, Any]]) -> Html:
    if not prices:
        return element("p", _("No current price is known."))
    rows = []
    for each in prices:
        amount = money(each["amount"], each["currency"])
        amount = _("{amount} an hour").format(amount=amount) if each["per"] == "hour" else amount
        rows.append([_(messages.WAYS[each["way"]]), amount, each["date"], each["source"]])
    return table([_("had"), _("price"), _("date"), _("source")], rows, _("price"))


def _support(states: Sequence[Mapping[str, Any]]) -> Html:
    rows = [
        [
            shown("", each["framework"]),
            SYSTEM_NAMES[each["os"]],
            _(messages.STATES[each["status"]]),
            each["until"] or "",
            each["source"],
            each["date"],
        ]
        for each in states
    ]
    headings = [_("software"), _("system"), _("state"), _("until"), _("source"), _("date")]
    return table(headings, rows, _("Software"))


async def compare(request: Request) -> HTMLResponse:
    """Several GPUs side by side; without any, the list to choose from."""
    if not request.query_params.getlist("gpu"):
        return await gpus(request)
    return await worked_out(_compare, request)


def _compare(request: Request) -> HTMLResponse:
    entries, _catalog, estimates = compared(request)
    names = dict.fromkeys(name for each in entries for name in each.figures)
    headings: list[Child] = [_("figure"), *(gpu_link(each.id, each.name) for each in entries)]
    figures = [
        [
            heading(name),
            *(value_text(name, each.figures[name].value if name in each.figures else None) for each in entries),
        ]
        for name in names
    ]
    times = [
        [link(address(f"zoo/{workload}"), workload), *(_time(row[each.id]) for each in entries)]
        for workload, row in estimates.items()
    ]
    limit = _("At most {most} GPUs stand side by side.").format(most=MOST_COMPARED)
    main = element(
        "main",
        element("h1", _("GPUs side by side")),
        element("h2", _("time a step")),
        table([_("workload"), *headings[1:]], times, _("time a step")),
        element("h2", _("Figures")),
        table(headings, figures, _("Figures")),
        element("p", limit, " ", link(address("gpus"), _("Choose others"))),
    )
    return page(request, _("GPUs side by side"), main)


def _time(estimate: Estimate | None) -> str:
    return "–" if estimate is None else duration(estimate.latency_s.mid)


async def models(request: Request) -> HTMLResponse:
    """The built-in models by what one wants to do, of a category, or by words."""
    return await worked_out(_models, request)


def _models(request: Request) -> HTMLResponse:
    category, words = request.query_params.get("category") or None, request.query_params.get("q", "").split()
    parts: list[Child] = [element("h1", _("Built-in models")), _search(request, "zoo", category=category or "")]
    if category is None and not words:
        cards = [
            element("li", link(address("zoo", category=each), _(PURPOSES[each])), noted("", each))
            for each in zoo.CATEGORIES
        ]
        parts.append(element("ul", cards, class_="cards"))
        return page(request, _("Models"), element("main", parts))
    found = zoo.search(words, category)
    rows = [
        [link(address(f"zoo/{each.name}"), each.name), each.category, each.family, count(each.parameters)]
        for each in found[:_MOST_ROWS]
    ]
    headings = [_("workload"), _("category"), _("family"), _("parameters")]
    told = _("{count} entries").format(count=len(found))
    if len(found) > _MOST_ROWS:
        told += " · " + _("the first {most} are shown: find the others by a word").format(most=_MOST_ROWS)
    parts += [element("p", told), table(headings, rows, _("Models"))]
    return page(request, _("Models"), element("main", parts))


async def model(request: Request) -> HTMLResponse:
    """One built-in model, and the way to its GPUs."""
    return await worked_out(_model, request)


def _model(request: Request) -> HTMLResponse:
    found = documents.zoo_entry(zoo.entry(request.path_params["source"]))
    facts = [
        [_("category"), link(address("zoo", category=found["category"]), found["category"])],
        [_("family"), found["family"]],
        [_("parameters, counted"), count(found["parameters"])],
        [_("batch size"), count(found["batch_size"])],
        [_("source"), found["source"]],
    ]
    rows = [
        [
            _(messages.PHASES[each["phase"]]),
            each["step"],
            work(each["forward_flops"]),
            work(each["backward_flops"]),
            size(each["peak_memory_bytes"]),
        ]
        for each in found["phases"]
    ]
    headings = [_("phase"), _("step"), _("forward pass"), _("backward pass"), _("peak memory in FP32")]
    main = element(
        "main",
        element("h1", found["name"]),
        element("p", _(PURPOSES[found["category"]])),
        element("p", link(address("recommend", source=found["name"]), _("Which GPU for this model?"))),
        element("p", link(address("", source=found["name"]), _("Say first what you have"))),
        table([_("quantity"), _("value")], facts, found["name"]),
        element("h2", _("phase")),
        table(headings, rows, _("phase")),
    )
    return page(request, found["name"], main)


async def guide(request: Request) -> HTMLResponse:
    """The topics of the guide."""
    from whichgpu.guiding import titles

    items = [element("li", link(address(f"guide/{topic}"), title)) for topic, title in titles()]
    return page(request, _("Guide"), element("main", element("h1", _("Guide")), element("ul", items)))


async def topic(request: Request) -> HTMLResponse:
    """A topic of the guide, its figures those of the GPU that the address names."""
    return await worked_out(_topic, request)


def _topic(request: Request) -> HTMLResponse:
    found = guide_page(request, request.path_params["topic"])
    catalog = questions(request).catalog
    options = [element("option", each.name, value=each.id, selected=each.id == found.gpu) for each in catalog.gpus]
    choose = element(
        "form",
        element(
            "div",
            element(
                "div",
                element("label", _("With the figures of"), for_="gpu"),
                element("select", options, name="gpu", id="gpu"),
                class_="field",
            ),
            class_="fields",
        ),
        element("p", element("button", _("Show"), type="submit")),
        method="get",
        action=address(f"guide/{found.topic}"),
    )
    return page(request, found.title, element("main", [block(each) for each in found.blocks], choose))
