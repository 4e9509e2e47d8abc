"""Inside the sandbox: a configuration handed over as a script of one line, built and traced."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from whichgpu.capturing.following import Script
from whichgpu.capturing.huggingface.building import transformers
from whichgpu.capturing.huggingface.configuring import Configuration
from whichgpu.capturing.huggingface.reading import CONFIGURATION
from whichgpu.capturing.huggingface.working import workload
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.serialising import to_document
from whichgpu.errors import WhichGpuError


class ConfigurationFollower:
    """Follows the line that holds a configuration."""

    @contextlib.contextmanager
    def running(self, script: Script) -> Iterator[None]:
        """Nothing has to be replaced while a literal is read."""
        yield

    def explain(self, error: BaseException, script: Script, line: int) -> WhichGpuError | None:
        """A literal raises nothing that needs a word of its own."""
        return None

    def enough(self) -> bool:
        """Without its end the configuration is nothing."""
        return False

    def result(
        self, script: Script, request: CaptureRequest, variables: dict[str, Any], stopped: Any
    ) -> dict[str, Any]:
        """The workload of the configuration."""
        return {"workload": to_document(workload(Configuration(**variables[CONFIGURATION]), request))}


def load() -> ConfigurationFollower:
    """The follower, with the library loaded."""
    torch.set_num_threads(1)
    transformers()
    return ConfigurationFollower()
