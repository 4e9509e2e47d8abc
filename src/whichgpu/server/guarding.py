"""What stands before every answer: the host's name, the size and the pace of a body, the language, the headers."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import math
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final
from urllib.parse import parse_qs

from whichgpu.errors import RequestTooLarge, RequestUnreadable, TooManyRequests, WhichGpuError, WrongHost, unknown
from whichgpu.explaining import LANGUAGES, speaking
from whichgpu.explaining.without_options import without_options
from whichgpu.server.logging import log, request_id
from whichgpu.server.pacing import Pace
from whichgpu.server.problems import bare
from whichgpu.server.settings import Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEALTH: Final = "/healthz"
"""Where a supervisor asks whether the server lives; never refused for asking often."""

HEADERS: Final = (
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)


def header(scope: Scope, name: bytes) -> str:
    """A header of a request, empty where it has none."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def preferred(accept: str) -> str:
    """The language of an Accept-Language header (RFC 9110, 12.5.4); English where it names none of ours."""
    ranked = []
    for position, part in enumerate(accept.split(",")[:20]):
        tag, _semicolon, weight = part.strip().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            quality = 0.0
        ranked.append((-quality, position, tag.split("-")[0].lower()))
    return next((tag for quality, _, tag in sorted(ranked) if tag in LANGUAGES and quality < 0), "en")


def language_of(scope: Scope) -> str:
    """The language of an answer: that of the path, else ``?lang=``, else that of Accept-Language."""
    first = scope["path"].split("/")[1] if "/" in scope["path"] else ""
    return next(
        (each for each in (first, asked_language(scope)) if each in LANGUAGES),
        preferred(header(scope, b"accept-language")),
    )


def asked_language(scope: Scope) -> str:
    """``?lang=`` of a request, empty where it has none."""
    query: str = scope["query_string"].decode("latin-1")
    return parse_qs(query, keep_blank_values=True).get("lang", [""])[0]


class Guard:
    """The outermost application: refuses what no route should see, and adds the headers of every answer."""

    def __init__(self, app: App, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self._pace = Pace(settings.requests_per_minute)
        self._log = log(settings.log)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start_s, identity = time.perf_counter(), request_id(header(scope, b"x-request-id"))
        guarded = _Sent(send, identity)
        with speaking(language_of(scope)), without_options():
            try:
                self._check(scope)
                body = await self._body(scope, receive)
                await _tagged(self.app)(scope, body, guarded)
            except WhichGpuError as error:
                await bare(error, scope["path"])(scope, receive, guarded)
        self._log.line(scope, identity, guarded.status, start_s)

    def _check(self, scope: Scope) -> None:
        """Raises for a request that no route should see: another host's, one too many, one that is no UTF-8."""
        _check_host(header(scope, b"host"), self.settings.hosts)
        client = scope.get("client")
        wait_s = math.ceil(self._pace.wait_s(client[0] if client else ""))
        if wait_s and scope["path"] != HEALTH:
            raise TooManyRequests(
                "this client asks more often than the server allows", wait_s=wait_s, hint="try again in {wait_s} s"
            )
        _check_query(scope["query_string"])
        if scope["path"].startswith("/api/") and (asked := asked_language(scope)) and asked not in LANGUAGES:
            raise unknown("language", asked[:40], LANGUAGES, "lang")

    async def _body(self, scope: Scope, receive: Receive) -> Receive:
        """The whole body, read before any route sees the request and never beyond its limit or its time."""
        multipart = header(scope, b"content-type").lower().startswith("multipart/")
        most = self.settings.file_bytes if multipart else self.settings.json_bytes
        stated = header(scope, b"content-length")
        if stated and (not stated.isdecimal() or int(stated) > most):
            raise _too_large(most)
        try:
            async with asyncio.timeout(self.settings.body_s):
                data = await _collected(receive, most)
        except TimeoutError:
            raise RequestUnreadable("the body of the request came too slowly") from None
        return _replayed(data, receive)


async def _collected(receive: Receive, most: int) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestUnreadable("the request ended before its body did")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise _too_large(most)
        more = message.get("more_body", False)
    return b"".join(parts)


def _replayed(data: bytes, receive: Receive) -> Receive:
    """What a route receives: the body at once, and then what the client does."""
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": data, "more_body": False}

    return again


def _too_large(most: int) -> RequestTooLarge:
    return RequestTooLarge("the body of the request is larger than {most} bytes", most=most)


def _check_host(given: str, known: Iterable[str]) -> None:
    """Raises WrongHost where the Host header names another: a page of a stranger's domain cannot pose as this one."""
    name = given.lower()
    if ":" in name.rpartition("]")[2]:
        name = name.rpartition(":")[0]
    if "*" not in known and name not in known:
        raise WrongHost(
            "this server is not {host!r}", host=given[:80], hint="start it with --allow-host NAME to answer to a name"
        )


def _check_query(query: bytes) -> None:
    from urllib.parse import unquote_to_bytes

    try:
        unquote_to_bytes(query).decode("utf-8")
    except UnicodeDecodeError:
        raise RequestUnreadable("the query of the address is no UTF-8") from None


class _Sent:
    """Sends with the headers of every answer and the request's id; remembers the status."""

    def __init__(self, send: Send, identity: str) -> None:
        self._send = send
        self._identity = (b"x-request-id", identity.encode())
        self.status = 500

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), *HEADERS, self._identity]}
        await self._send(message)


def _is_stream(start: Message) -> bool:
    """Whether an answer's parts are sent as they come."""
    return any(name == b"content-type" and kind.startswith(b"text/event-stream") for name, kind in start["headers"])


def _tagged(app: App) -> App:
    """``app`` with an ETag on what it answers to GET, and 304 where the client has that already."""

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        kept: list[Message] = []
        streamed = False

        async def keep(message: Message) -> None:
            nonlocal streamed
            streamed = streamed or (message["type"] == "http.response.start" and _is_stream(message))
            if streamed:
                await send(message)
            else:
                kept.append(message)

        with contextlib.suppress(Exception):  # the application tells and logs its own fault before it raises
            await app(scope, receive, keep)
        if streamed:
            return
        start = next(message for message in kept if message["type"] == "http.response.start")
        body = b"".join(message.get("body", b"") for message in kept if message["type"] == "http.response.body")
        headers = list(start["headers"])
        if start["status"] == 200 and scope["method"] in ("GET", "HEAD"):
            tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'.encode()
            headers += [(b"etag", tag), (b"vary", b"Accept-Language")]
            if not any(name == b"cache-control" for name, _ in headers):
                headers.append((b"cache-control", b"no-cache"))
            given = [each.strip().removeprefix("W/") for each in header(scope, b"if-none-match").split(",")]
            if tag.decode() in given:
                lasting = [pair for pair in headers if pair[0] in (b"etag", b"vary", b"cache-control")]
                await send({"type": "http.response.start", "status": 304, "headers": lasting})
                await send({"type": "http.response.body", "body": b""})
                return
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return answered
