"""Inside the sandbox: a source that was handed over as a script of one line, which holds it as a literal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from whichgpu.capturing.following import Script
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.serialising import to_document
from whichgpu.errors import WhichGpuError
from whichgpu.workload import Workload


class LiteralFollower:
    """Follows the line that holds the literal, and builds a workload of it."""

    def __init__(self, build: Callable[[dict[str, Any], CaptureRequest], Workload]) -> None:
        """``build`` makes the workload of the line's variables."""
        self._build = build

    @contextlib.contextmanager
    def running(self, script: Script) -> Iterator[None]:
        """Nothing has to be replaced while a literal is read."""
        yield

    def explain(self, error: BaseException, script: Script, line: int) -> WhichGpuError | None:
        """A literal raises nothing that needs a word of its own."""
        return None

    def enough(self) -> bool:
        """Without its end the literal is nothing."""
        return False

    def result(
        self, script: Script, request: CaptureRequest, variables: dict[str, Any], stopped: Any
    ) -> dict[str, Any]:
        """The workload of the literal."""
        return {"workload": to_document(self._build(variables, request))}
