"""Inside the sandbox: a pipeline handed over as a script of one line, built and traced."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from whichgpu.capturing.following import Script
from whichgpu.capturing.huggingface.building import transformers
from whichgpu.capturing.pipelines.describing import Component, Description
from whichgpu.capturing.pipelines.reading import DESCRIPTION
from whichgpu.capturing.pipelines.working import diffusers, workload
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.serialising import to_document
from whichgpu.errors import WhichGpuError


class PipelineFollower:
    """Follows the line that holds a pipeline."""

    @contextlib.contextmanager
    def running(self, script: Script) -> Iterator[None]:
        """Nothing has to be replaced while a literal is read."""
        yield

    def explain(self, error: BaseException, script: Script, line: int) -> WhichGpuError | None:
        """A literal raises nothing that needs a word of its own."""
        return None

    def enough(self) -> bool:
        """Without its end the pipeline is nothing."""
        return False

    def result(
        self, script: Script, request: CaptureRequest, variables: dict[str, Any], stopped: Any
    ) -> dict[str, Any]:
        """The workload of the pipeline."""
        given = dict(variables[DESCRIPTION])
        given["components"] = {name: Component(**part) for name, part in given["components"].items()}
        return {"workload": to_document(workload(Description(**given), request))}


def load() -> PipelineFollower:
    """The follower, with the libraries loaded."""
    torch.set_num_threads(1)
    transformers()
    diffusers()
    return PipelineFollower()
