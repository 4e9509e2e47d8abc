"""REST under ``/api/v1``: the documents that every face shows, and problem documents for errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from whichgpu import documents
from whichgpu.catalog.support import FRAMEWORKS
from whichgpu.errors import InvalidValue, RequestUnreadable, WrongMediaType
from whichgpu.gpu import Gpu
from whichgpu.server.forms import uploaded
from whichgpu.server.questions import Questions
from whichgpu.server.schemas import ESTIMATE, MOST_COMPARED, PROBLEMS, RECOMMEND, UPLOAD, document, query
from whichgpu.server.watching import Watched
from whichgpu.server.working import Json, waited_for, worked_out

PREFIX: Final = "/api/v1"

router = APIRouter(prefix=PREFIX, responses=PROBLEMS)


def questions(request: Request) -> Questions:
    """What this application answers with."""
    found: Questions = request.app.state.questions
    return found


async def json_body(request: Request) -> dict[str, Any]:
    """The body as a JSON object; raises WrongMediaType and RequestUnreadable."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise WrongMediaType("a question comes as application/json, not as {kind!r}", kind=kind[:80])
    try:
        found = json.loads((await request.body()).decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RequestUnreadable("the body is no JSON: {error}", error=str(error)[:120]) from None
    if not isinstance(found, dict):
        raise RequestUnreadable("the body must be a JSON object")
    return found


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is no JSON number")


async def _answer(make: Callable[[], Mapping[str, Any]]) -> Response:
    """The document that ``make`` gives."""
    return Json(await worked_out(make))


async def _read(request: Request, make: Callable[[Watched], Mapping[str, Any]]) -> Response:
    """The document that ``make`` gives, which waits for a process that reads a file."""
    return Json(await waited_for(request, make))


@router.post(
    "/recommend", openapi_extra=RECOMMEND, responses=document("whichgpu/recommendation/1", "ranked", "rejected")
)
async def recommend(request: Request) -> Response:
    """Every GPU ranked with reasons or rejected with verdicts, for a source and requirements."""
    given, known = await json_body(request), questions(request)
    if "capture" in given:
        return await _read(request, lambda watched: known.recommend(given, watched=watched)[0].document())
    return await _answer(lambda: known.recommend(given)[0].document())


@router.post("/estimate", openapi_extra=ESTIMATE, responses=document("whichgpu/estimate/1", "estimates"))
async def estimate(request: Request) -> Response:
    """Time, memory, power and energy of a source on chosen GPUs, without judging them."""
    given, known = await json_body(request), questions(request)
    if "capture" in given:
        return await _read(request, lambda watched: known.estimate(given, watched))
    return await _answer(lambda: known.estimate(given))


@router.post("/capture", openapi_extra=UPLOAD, responses=document("whichgpu/capture/1", "workload"))
async def capture(request: Request) -> Response:
    """A model file as a capture, which recommend and estimate take; the file is not kept."""
    _fields, file = await uploaded(request)
    if file is None:
        raise InvalidValue("the form has no file", field="file", hint="send the model as the part 'file'")
    return await _read(request, lambda watched: questions(request).capture(file, watched))


@router.get(
    "/gpus",
    openapi_extra=query(vendor="Only this vendor.", q="Only entries whose id or name contains this."),
    responses=document("whichgpu/gpus/1", "gpus"),
)
async def gpus(request: Request) -> Response:
    """Every GPU of the catalogue, one row each."""
    return await _answer(lambda: documents.gpus(searched(request)))


def searched(request: Request) -> list[Gpu]:
    """The entries that pass ``vendor`` and ``q`` of the query."""
    vendor, text = request.query_params.get("vendor", "").lower(), request.query_params.get("q", "").lower()
    return [
        gpu
        for gpu in questions(request).catalog.gpus
        if (not vendor or gpu.vendor.lower() == vendor)
        and (not text or any(text in name.lower() for name in (gpu.id, gpu.name, *gpu.aliases)))
    ]


@router.get("/gpus/{gpu}", responses=document("whichgpu/gpu/1", "id", "figures"))
async def gpu(request: Request, gpu: str) -> Response:
    """Every figure of one GPU with its source."""
    catalog = questions(request).catalog
    return await _answer(lambda: documents.gpu(catalog.get(gpu), catalog))


@router.get(
    "/compare",
    openapi_extra=query(compared="A GPU; repeat it for each, twelve at most."),
    responses=document("whichgpu/gpus/1", "gpus", "figures", "estimates"),
)
async def compare(request: Request) -> Response:
    """GPUs side by side: figures, and the reference workloads as predicted and as measured."""
    return await _answer(lambda: documents.comparison(*compared(request)))


def compared(request: Request) -> tuple[list[Gpu], Any, Any]:
    """The GPUs of the query, the catalogue and their estimates of the reference workloads; raises InvalidValue."""
    from whichgpu.recommending import reference_estimates
    from whichgpu.zoo import reference_workloads

    catalog = questions(request).catalog
    names = [name for name in request.query_params.getlist("gpu") if name.strip()]
    entries = list({found.id: found for found in map(catalog.get, names[: MOST_COMPARED + 1])}.values())
    if not 1 <= len(names) <= MOST_COMPARED:
        raise InvalidValue(
            "{count} GPUs cannot be compared, but 1 to {most}", count=len(names), most=MOST_COMPARED, field="gpu"
        )
    return entries, catalog, reference_estimates(reference_workloads(), entries)


@router.get(
    "/zoo",
    openapi_extra=query(category="Only this category.", q="Only entries that contain these words."),
    responses=document("whichgpu/zoo/1", "workloads"),
)
async def zoo(request: Request) -> Response:
    """The built-in workloads."""
    from whichgpu.zoo import search

    words, category = request.query_params.get("q", "").split(), request.query_params.get("category") or None
    return await _answer(lambda: documents.zoo(search(words, category)))


@router.get("/zoo/{source:path}", responses=document("whichgpu/zoo-entry/1", "name", "phases"))
async def zoo_entry(request: Request, source: str) -> Response:
    """One built-in workload with the counts of its phases."""
    from whichgpu.zoo import entry

    return await _answer(lambda: documents.zoo_entry(entry(source)))


@router.get(
    "/support",
    openapi_extra=query(gpus="Only this GPU; may be repeated."),
    responses=document("whichgpu/support/1", "gpus"),
)
async def support(request: Request) -> Response:
    """Which software runs on which GPU, with the source that says so."""
    return await _answer(
        lambda: {
            "schema": "whichgpu/support/1",
            "frameworks": list(FRAMEWORKS),
            "gpus": {each["id"]: each["support"] for each in _entries(request)},
        }
    )


@router.get(
    "/prices",
    openapi_extra=query(gpus="Only this GPU; may be repeated."),
    responses=document("whichgpu/prices/1", "gpus"),
)
async def prices(request: Request) -> Response:
    """Prices with their date and source; a GPU without one is left out."""
    return await _answer(
        lambda: {
            "schema": "whichgpu/prices/1",
            "gpus": {each["id"]: each["prices"] for each in _entries(request) if each["prices"]},
        }
    )


def _entries(request: Request) -> list[dict[str, Any]]:
    catalog = questions(request).catalog
    names = request.query_params.getlist("gpu")
    return [documents.gpu(each, catalog) for each in (map(catalog.get, names) if names else catalog.gpus)]


@router.get(
    "/guide",
    openapi_extra=query(lang="en or ja; else the header Accept-Language."),
    responses=document("whichgpu/guide/1", "topics"),
)
async def guide(request: Request) -> Response:
    """The topics of the guide."""
    from whichgpu.guiding import titles

    return await _answer(
        lambda: {"schema": "whichgpu/guide/1", "topics": [{"topic": key, "title": title} for key, title in titles()]}
    )


@router.get(
    "/guide/{topic}",
    openapi_extra=query(lang="en or ja; else the header Accept-Language.", gpu="The GPU whose figures are used."),
    responses=document("whichgpu/guide/1", "topic", "blocks"),
)
async def topic(request: Request, topic: str) -> Response:
    """A topic of the guide with the figures of one GPU."""
    return await _answer(lambda: guide_page(request, topic).document())


def guide_page(request: Request, topic: str) -> Any:
    """A page of the guide for the GPU of the query."""
    from whichgpu.guiding import USUAL_GPU, Reader, page

    catalog = questions(request).catalog
    return page(topic, Reader(gpu=catalog.get(request.query_params.get("gpu") or USUAL_GPU), catalog=catalog))


@router.get("/accuracy", responses=document("whichgpu/accuracy/1", "parts", "date"))
async def accuracy(request: Request) -> Response:
    """How far off the predictions are on published measurements: tables, and points of plots."""
    from whichgpu.measurements.accuracy import document as written

    return await _answer(written)
