"""Running the server: one line once it listens, an orderly end within seconds of SIGTERM."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import uvicorn

from whichgpu.errors import InvalidValue
from whichgpu.server.settings import Settings

DRAIN_S: Final = 4
"""Seconds in which requests in flight may still end after SIGTERM."""

_FACTORY: Final = "whichgpu.server.application:create"
_WAIT_S: Final = 60


def run(host: str, port: int, workers: int, settings: Settings, ready: Callable[[str], None]) -> None:
    """Serves until a signal ends it; ``ready`` is told the address once the first worker answers.

    Raises InvalidValue where the address cannot be had.
    """
    settings.to_environment()
    listening = _bound(host, port)
    name = f"[{host}]" if ":" in host else host
    place = f"http://{name}:{listening.getsockname()[1]}"
    config = uvicorn.Config(
        _FACTORY,
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_S,
        timeout_keep_alive=15,
        lifespan="off",
    )
    if workers == 1:
        _Server(config, lambda: ready(place)).run(sockets=[listening])
        return
    from uvicorn.supervisors import Multiprocess

    threading.Thread(target=_watch, args=(listening, lambda: ready(place)), daemon=True).start()
    Multiprocess(config, sockets=[listening]).run()


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it listens."""

    def __init__(self, config: uvicorn.Config, told: Callable[[], None]) -> None:
        super().__init__(config)
        self._told = told

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, and say so."""
        await super().startup(sockets)
        if self.started:
            self._told()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(1024)
    except OSError as error:
        made.close()
        raise InvalidValue(
            "the server cannot listen on {host} port {port}: {error}",
            host=host,
            port=port,
            error=error.strerror or type(error).__name__,
            field="port",
            hint="choose another with --port",
        ) from None
    made.set_inheritable(True)
    return made


def _watch(listening: socket.socket, told: Callable[[], None]) -> None:
    """Asks until a worker answers."""
    host, port = listening.getsockname()[:2]
    own = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    end = time.monotonic() + _WAIT_S
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection((own, port), timeout=5) as line:
            line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            if line.recv(64).startswith(b"HTTP/1.1 200"):
                told()
                return
        time.sleep(0.05)
