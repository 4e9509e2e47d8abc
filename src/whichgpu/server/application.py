"""The application: routes of the page and of REST, errors of every kind in one shape, the guard around it all."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, Response

from whichgpu.errors import NoSuchMethod, NoSuchPath, RequestUnreadable, UnknownName, WhichGpuError
from whichgpu.explaining import LANGUAGES
from whichgpu.server import rest
from whichgpu.server.guarding import HEALTH, App, Guard
from whichgpu.server.pages import accuracy, answers, looking, why
from whichgpu.server.pages.layout import ICON, ICON_PATH, SCRIPT, SCRIPT_PATH, SHEET, STYLE_PATH
from whichgpu.server.problems import bare, status
from whichgpu.server.questions import Questions
from whichgpu.server.settings import Settings
from whichgpu.server.uploads import Reading

_LOG: Final = logging.getLogger("whichgpu.server")
_YEAR: Final = "public, max-age=31536000, immutable"

_PAGES: Final = (
    ("/", answers.home, ("GET",)),
    ("/recommend", answers.recommend, ("GET", "POST")),
    ("/why", why.why, ("GET",)),
    ("/gpus", looking.gpus, ("GET",)),
    ("/gpus/{gpu}", looking.gpu, ("GET",)),
    ("/compare", looking.compare, ("GET",)),
    ("/zoo", looking.models, ("GET",)),
    ("/zoo/{source:path}", looking.model, ("GET",)),
    ("/guide", looking.guide, ("GET",)),
    ("/guide/{topic}", looking.topic, ("GET",)),
    ("/accuracy", accuracy.errors, ("GET",)),
)


_ASSETS: Final = (
    (STYLE_PATH, SHEET, "text/css"),
    (SCRIPT_PATH, SCRIPT, "text/javascript"),
    (ICON_PATH, ICON, "image/svg+xml"),
)


def create(settings: Settings | None = None) -> App:
    """The whole application, as uvicorn runs it; without settings those of the environment hold."""
    chosen = settings or Settings.from_environment()
    inner = FastAPI(
        title="whichgpu", version="1", docs_url=None, redoc_url=None, openapi_url=f"{rest.PREFIX}/openapi.json"
    )
    inner.state.questions = Questions(reading=Reading(chosen))
    inner.include_router(rest.router)
    inner.add_api_route(HEALTH, _health, include_in_schema=False)
    for path, text, kind in _ASSETS:
        inner.add_route(path, _asset(text, kind))
    inner.add_route("/", answers.start)
    for path, endpoint, methods in _PAGES:
        for language in LANGUAGES:
            inner.add_route(f"/{language}{path}", endpoint, list(methods))
    inner.add_exception_handler(WhichGpuError, _refused)
    inner.add_exception_handler(HTTPException, _unrouted)
    inner.add_exception_handler(Exception, _broken)
    return GZipMiddleware(Guard(inner, chosen), minimum_size=1000, compresslevel=2)


async def _health() -> dict[str, str]:
    return {"status": "ok"}


def _asset(text: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    """What answers with a file of the page, whose address changes with its text."""

    async def answered(request: Request) -> Response:
        return Response(text, media_type=media_type, headers={"Cache-Control": _YEAR})

    return answered


def _wants_page(request: Request) -> bool:
    return request.url.path.split("/")[1] in LANGUAGES


async def _refused(request: Request, error: Any) -> Response:
    """An error of the program: a name in the path that is not known is a page that is not there."""
    missing = isinstance(error, UnknownName) and error.field in request.path_params
    number = 404 if missing else status(error)
    if _wants_page(request):
        return answers.failed(request, error, number)
    return bare(error, request.url.path, number)


async def _unrouted(request: Request, error: Any) -> Response:
    """What the router says, as an error of the program."""
    found: WhichGpuError
    if error.status_code == 405:
        found = NoSuchMethod("{path} does not take {method}", path=request.url.path[:200], method=request.method[:20])
    elif error.status_code == 404:
        found = NoSuchPath("there is nothing at {path}", path=request.url.path[:200])
    else:
        found = RequestUnreadable("the request cannot be read: {error}", error=str(error.detail)[:120])
    answer = await _refused(request, found)
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


async def _broken(request: Request, error: Any) -> JSONResponse:
    """A fault of the program itself: told in the log, without what was asked."""
    _LOG.error("%s %s failed: %s", request.method, request.url.path.split("/")[1:3], type(error).__name__)
    return bare(WhichGpuError("the server failed to answer"), request.url.path, 500)
