"""An answer that takes seconds as server-sent events: a ``progress`` for each stage, then the ``page``.

They come as the body of the answer to the very request that brought the file (so no worker need know of another's
work), in the format of HTML's server-sent events. A client that goes away ends the work.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from whichgpu.explaining import _
from whichgpu.explaining.stages import STAGES as TEXTS
from whichgpu.server.watching import STAGES, Watched
from whichgpu.server.working import waited_for

MEDIA_TYPE: Final = "text/event-stream"

_STILL_S: Final = 10.0
"""Seconds without news after which a comment tells what lies between that the connection is alive."""


def wanted(request: Request) -> bool:
    """Whether a client asks for events instead of a page."""
    return MEDIA_TYPE in request.headers.get("accept", "")


class Events(Response):
    """The events of a page that ``make`` gives while it tells its stages to what watches it."""

    def __init__(self, request: Request, make: Callable[[Watched], Response]) -> None:
        # X-Accel-Buffering: nginx would hold the events back until the answer ends
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(headers=headers, media_type=MEDIA_TYPE)
        del self.headers["content-length"]
        self._request = request
        self._make = make

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends a stage as it begins, and the page when it is there."""
        loop, stages = asyncio.get_running_loop(), asyncio.Queue[str | None]()

        def tell(stage: str) -> None:
            loop.call_soon_threadsafe(stages.put_nowait, stage)

        watched = Watched(tell)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        work = asyncio.create_task(waited_for(self._request, self._make, watched))
        work.add_done_callback(lambda _done: stages.put_nowait(None))
        try:
            while not work.done():
                await send(_body(await _next(stages)))
            found = await work
        finally:
            await asyncio.to_thread(watched.leave)
        page = {"status": found.status_code, "html": bytes(found.body).decode()}
        await send({**_body(_event("page", page)), "more_body": False})


async def _next(stages: asyncio.Queue[str | None]) -> bytes:
    """The event of the next stage; a comment where nothing happens for a while, or at the end."""
    try:
        async with asyncio.timeout(_STILL_S):
            stage = await stages.get()
    except TimeoutError:
        stage = None
    return b":\n\n" if stage is None else _event("progress", _told(stage))


def _told(stage: str) -> dict[str, Any]:
    """A stage for programs and for people, and how many of all stages are behind it."""
    return {"stage": stage, "text": _(TEXTS[stage]), "done": STAGES.index(stage), "of": len(STAGES)}


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _body(piece: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": piece, "more_body": True}
