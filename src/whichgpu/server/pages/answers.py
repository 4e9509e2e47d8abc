"""The question and its answer as pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from whichgpu.errors import RequestError, WhichGpuError
from whichgpu.explaining import _, language, sentences
from whichgpu.reporting.page import fragment
from whichgpu.server import forms
from whichgpu.server.html import Child, Html, element, link
from whichgpu.server.pages.form import Form
from whichgpu.server.pages.layout import address, gpu_address, page
from whichgpu.server.problems import status
from whichgpu.server.questions import File, Questions

ROWS = 20
"""Ranked GPUs of a page; the address with rows=all has all."""


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


async def recommend(request: Request) -> HTMLResponse:
    """The answer to the question in the address, or to a form with a file."""
    if request.method == "POST":
        fields, file = await forms.uploaded(request)
    else:
        fields, file = request.query_params.multi_items(), None
    return await run_in_threadpool(_answered, request, forms.document(fields), file, dict(fields).get("rows"))


def _answered(request: Request, given: dict[str, Any], file: File | None, rows: str | None) -> HTMLResponse:
    errors = forms.problems(given)
    questions: Questions = request.app.state.questions
    if not errors:
        try:
            answer, currency = questions.recommend(given, file)
        except RequestError:
            raise
        except WhichGpuError as error:
            errors = {error.field or "file": error}
        else:
            most = None if rows == "all" else ROWS
            found = Html(fragment(answer, currency, rows=most, link=gpu_address))
            return page(request, answer.workload.name, found, _more(request, rows), _again(given, file))
    return _refused(request, given, errors)


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
