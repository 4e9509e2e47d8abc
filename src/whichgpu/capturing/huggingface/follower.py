"""Inside the sandbox: a configuration handed over as a script of one line, built and traced."""

from __future__ import annotations

from typing import Any

import torch

from whichgpu.capturing.huggingface.building import transformers
from whichgpu.capturing.huggingface.configuring import Configuration
from whichgpu.capturing.huggingface.reading import CONFIGURATION
from whichgpu.capturing.huggingface.working import workload
from whichgpu.capturing.literal import LiteralFollower
from whichgpu.capturing.request import CaptureRequest
from whichgpu.workload import Workload


def _build(variables: dict[str, Any], request: CaptureRequest) -> Workload:
    return workload(Configuration(**variables[CONFIGURATION]), request)


def load() -> LiteralFollower:
    """The follower, with the library loaded."""
    torch.set_num_threads(1)
    transformers()
    return LiteralFollower(_build)
