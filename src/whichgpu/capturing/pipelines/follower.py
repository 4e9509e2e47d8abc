"""Inside the sandbox: a pipeline handed over as a script of one line, built and traced."""

from __future__ import annotations

from typing import Any

import torch

from whichgpu.capturing.huggingface.building import transformers
from whichgpu.capturing.literal import LiteralFollower
from whichgpu.capturing.pipelines.describing import Component, Description
from whichgpu.capturing.pipelines.reading import DESCRIPTION
from whichgpu.capturing.pipelines.working import diffusers, workload
from whichgpu.capturing.request import CaptureRequest
from whichgpu.workload import Workload


def _build(variables: dict[str, Any], request: CaptureRequest) -> Workload:
    given = dict(variables[DESCRIPTION])
    given["components"] = {name: Component(**part) for name, part in given["components"].items()}
    return workload(Description(**given), request)


def load() -> LiteralFollower:
    """The follower, with the libraries loaded."""
    torch.set_num_threads(1)
    transformers()
    diffusers()
    return LiteralFollower(_build)
