"""The question and its answer as pages."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from whichgpu.errors import Interrupted, RequestError, WhichGpuError
from whichgpu.explaining import _, language, sentences
from whichgpu.recommendation import Recommendation
from whichgpu.reporting.page import Links, fragment
from whichgpu.server import events, forms
from whichgpu.server.events import Events
from whichgpu.server.html import Child, Html, element, link
from whichgpu.server.pages.form import Form, flat
from whichgpu.server.pages.layout import address, gpu_address, page
from whichgpu.server.pages.live import sliders
from whichgpu.server.problems import status
from whichgpu.server.questions import File, Questions
from whichgpu.server.watching import Watched
from whichgpu.server.working import waited_for, worked_out

ROWS = 20
"""Ranked GPUs of a page; the address with rows=all has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a page is asked for: the fields of the question, a file beside them, and ``rows`` of the address."""

    given: dict[str, Any]
    file: File | None
    rows: str | None


async def start(request: Request) -> Response:
    """The root: the page in the language that the browser asks for."""
    return RedirectResponse(f"/{language()}/", 302, headers={"Vary": "Accept-Language"})


async def home(request: Request) -> HTMLResponse:
    """The form, filled with the keys of the address."""
    given = forms.document(request.query_params.multi_items())
    intro = _("Say what you want to do and what you have. You get every GPU ranked or rejected, each with its reasons.")
    main = element("main", element("h1", _("Which GPU should I choose?")), element("p", intro), _form(given, {}))
    return page(request, _("Which GPU?"), main)


def _form(given: Mapping[str, Any], errors: Mapping[str, WhichGpuError]) -> Html:
    return Form(given=given, errors=errors).html()


async def recommend(request: Request) -> Response:
    """The answer to the question in the address, or to a form with a file."""
    if request.method == "POST":
        fields, file = await forms.uploaded(request)
    else:
        fields, file = request.query_params.multi_items(), None
    asked = Asked(given=forms.document(fields), file=file, rows=dict(fields).get("rows"))
    if file is None:
        return await worked_out(_answered, request, asked)
    if events.wanted(request):
        return Events(request, lambda watched: _told(request, asked, watched))
    return await waited_for(request, lambda watched: _answered(request, asked, watched))


def _told(request: Request, asked: Asked, watched: Watched) -> HTMLResponse:
    """The answer to a file, or its error, as a page: whose stages were sent already."""
    try:
        return _answered(request, asked, watched)
    except WhichGpuError as error:
        return failed(request, error, status(error))


def _answered(request: Request, asked: Asked, watched: Watched | None = None) -> HTMLResponse:
    errors = forms.problems(asked.given)
    questions: Questions = request.app.state.questions
    if not errors:
        try:
            answer, currency = questions.recommend(asked.given, asked.file, watched)
        except (RequestError, Interrupted):
            raise
        except WhichGpuError as error:
            errors = {error.field or "file": error}
        else:
            return _answer(request, asked, answer, currency)
    return _refused(request, asked.given, errors)


def _answer(request: Request, asked: Asked, answer: Recommendation, currency: str) -> HTMLResponse:
    """The page of an answer; that to a file has no address, so nothing that asks again by one."""
    shareable = asked.file is None
    why = functools.partial(_why_address, asked.given) if shareable else None
    most = None if asked.rows == "all" else ROWS
    found = Html(fragment(answer, currency, rows=most, links=Links(gpu=gpu_address, why=why)))
    main = element(
        "main",
        sliders(answer, currency) if shareable and not answer.parts else None,
        element("div", found, _more(request, asked.rows), data_part="answer"),
        element("div", _again(asked.given, asked.file), data_part="question"),
    )
    return page(request, answer.workload.name, main)


def _why_address(given: Mapping[str, Any], gpu: str) -> str:
    """The page that says where the time goes on a GPU, for the source and the workload of a question."""
    known = {name: given[name] for name in ("source", "workload") if name in given}
    return address("why", **dict(flat(known)), gpus=gpu)


def _more(request: Request, rows: str | None) -> Html | None:
    """The links to the whole ranking and to the figures for programs."""
    if request.method != "GET" or rows == "all":
        return None
    whole = str(request.url.include_query_params(rows="all").query)
    return element("p", link(f"{address('recommend')}?{whole}", _("Show the whole ranking")), class_="edit")


def _again(given: dict[str, Any], file: File | None) -> Html:
    said: Child = (
        None if file is None else element("p", _("The file was not kept: choose it again to change something."))
    )
    title = element("h2", _("Change the question"), id="change")
    return element("section", title, said, _form(given, {}), class_="edit", aria_labelledby="change")


def _refused(request: Request, given: dict[str, Any], errors: Mapping[str, WhichGpuError]) -> HTMLResponse:
    """The form again with each error beside its field; those of fields that it does not show come first."""
    known = Form(given=given, errors=errors)
    html = known.html()
    elsewhere = [error for name, error in errors.items() if f'id="{name}-error"' not in html]
    lines = [element("p", " ".join(part for part in sentences.error(error) if part)) for error in elsewhere]
    count = element("p", _("Some of it cannot be read. What is wrong stands beside each field."))
    box = element("div", count, lines, class_="error", role="alert")
    number = max(status(error) for error in errors.values())
    main = element("main", element("h1", _("Which GPU should I choose?")), box, html)
    return page(request, _("Which GPU?"), main, status=number)


def failed(request: Request, error: WhichGpuError, number: int) -> HTMLResponse:
    """An error as a page."""
    message, hint = sentences.error(error)
    parts: list[Child] = [element("h1", message), None if hint is None else element("p", hint)]
    back = element("p", link(address(""), _("Back to the question")))
    return page(request, _("error"), element("main", parts, back), status=number)
