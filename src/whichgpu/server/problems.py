"""Errors as RFC 9457 problem documents: the program's own codes, a status, and a pointer to what is wrong."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from starlette.responses import JSONResponse

from whichgpu.errors import (
    Busy,
    DataError,
    Interrupted,
    MissingExtra,
    MissingFigure,
    NoSuchMethod,
    NoSuchPath,
    RequestError,
    RequestTooLarge,
    SourceError,
    TooManyRequests,
    UsageError,
    WhichGpuError,
    WrongHost,
    WrongMediaType,
)
from whichgpu.explaining import sentences

MEDIA_TYPE: Final = "application/problem+json"

GONE: Final = 499
"""The client left before its answer was there: for the log alone, as nginx writes it."""

_STATUSES: Final[tuple[tuple[type[WhichGpuError], int], ...]] = (
    # the first class that an error is of
    (NoSuchPath, 404),
    (NoSuchMethod, 405),
    (RequestTooLarge, 413),
    (WrongMediaType, 415),
    (WrongHost, 421),
    (TooManyRequests, 429),
    (Busy, 503),
    (Interrupted, GONE),
    (RequestError, 400),
    (MissingExtra, 501),
    (SourceError, 422),
    (UsageError, 422),
    (MissingFigure, 422),
    (DataError, 500),
)


def status(error: WhichGpuError) -> int:
    """The HTTP status of an error."""
    return next((number for kind, number in _STATUSES if isinstance(error, kind)), 500)


def document(error: WhichGpuError, path: str, number: int) -> dict[str, Any]:
    """``whichgpu/error/1`` with the members of RFC 9457, in the active language."""
    found = sentences.error_document(error)
    return {
        **found,
        "type": f"urn:whichgpu:error:{error.code}",
        "title": "Client Closed Request" if number == GONE else HTTPStatus(number).phrase,
        "status": number,
        "detail": found["message"],
        "instance": path,
        "pointer": pointer(error.field),
    }


def pointer(field: str | None) -> str | None:
    """A field of a question as a JSON pointer (RFC 6901): ``workloads[2].phase`` is ``/workloads/1/phase``."""
    if field is None:
        return None
    parts: list[str] = []
    for part in field.split("."):
        name, bracket, position = part.partition("[")
        parts.append(name.replace("~", "~0").replace("/", "~1"))
        if bracket and position.rstrip("]").isdecimal():
            parts.append(str(int(position.rstrip("]")) - 1))
    return "".join(f"/{part}" for part in parts)


def bare(error: WhichGpuError, path: str, number: int | None = None) -> JSONResponse:
    """The problem document as an answer."""
    given = status(error) if number is None else number
    wait_s = error.values.get("wait_s", 10) if given in (429, 503) else None
    headers = None if wait_s is None else {"Retry-After": str(wait_s)}
    return JSONResponse(document(error, path, given), given, headers=headers, media_type=MEDIA_TYPE)
