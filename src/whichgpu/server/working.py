"""Where answers are worked out: in threads beside the loop that speaks with clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

import anyio.to_thread
import orjson
from anyio import CapacityLimiter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from whichgpu.server.watching import Watched

_T = TypeVar("_T")

_AT_ONCE: Final = CapacityLimiter(2)
"""Answers that one process works out at the same time: they share one core, and more would only hold each other up."""


async def worked_out(make: Callable[..., _T], *given: Any) -> _T:
    """What ``make`` gives; for work that computes and waits for nothing."""
    return await anyio.to_thread.run_sync(make, *given, limiter=_AT_ONCE)


async def waited_for(request: Request, make: Callable[[Watched], _T], watched: Watched | None = None) -> _T:
    """What ``make`` gives; for work that waits for a process that reads a file, and takes no place of the others.

    Where the client of the request goes away, the process ends, and ``make`` raises Interrupted.
    """
    reading = watched or Watched()
    gone = asyncio.create_task(_leaving(request, reading))
    try:
        return await run_in_threadpool(make, reading)
    finally:
        gone.cancel()


async def _leaving(request: Request, reading: Watched) -> None:
    """Waits until the client is gone, and leaves the reading."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    await run_in_threadpool(reading.leave)


class Json(Response):
    """A document as JSON."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The document in UTF-8."""
        return orjson.dumps(content)
