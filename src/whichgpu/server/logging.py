"""One line of JSON a request, for those who run the server: what was called and how it went, not what was asked."""

from __future__ import annotations

import json
import re
import sys
import time
import uuid
from collections.abc import MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from whichgpu.units import MILLI

_ID: Final = re.compile(r"[A-Za-z0-9-]{8,64}")


def request_id(given: str) -> str:
    """The id that a client or a proxy gave a request, where it has the shape of one; else a new one."""
    return given if _ID.fullmatch(given) else uuid.uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Where lines go; None for nowhere."""

    stream: TextIO | None = None

    def line(self, scope: MutableMapping[str, Any], identity: str, status: int, start_s: float) -> None:
        """One request: its id, method, the name of its route, status and time. No address, path, query or body."""
        if self.stream is None:
            return
        route = getattr(scope.get("endpoint"), "__name__", None)
        row = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "request": identity,
            "method": scope["method"][:10],
            "route": route,
            "status": status,
            "ms": round((time.perf_counter() - start_s) / MILLI, 1),
        }
        print(json.dumps(row), file=self.stream, flush=True)


def log(wanted: bool) -> Log:
    """The log on standard error, or none."""
    return Log(stream=sys.stderr if wanted else None)
