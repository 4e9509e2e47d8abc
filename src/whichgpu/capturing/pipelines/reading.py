"""The front door to pipelines: read the folder here, build and trace its networks in the sandbox."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Final

from whichgpu.capturing import caching
from whichgpu.capturing.extras import absent
from whichgpu.capturing.pipelines.describing import Description, described
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.sandboxing.launching import run
from whichgpu.capturing.serialising import from_document
from whichgpu.errors import InvalidValue, MissingExtra
from whichgpu.workload import Workload

DESCRIPTION: Final = "description"
"""The name under which the sandbox finds the pipeline."""


def read(source: str, request: CaptureRequest) -> Workload:
    """The workload of a pipeline's folder; raises the SourceError that says why there is none."""
    found = described(Path(source))
    if request.phase == "generate":
        raise InvalidValue(
            "{name} makes pictures: that is --phase infer", name=found.name, field="phase", hint="ask for --phase infer"
        )
    key = caching.key_of(found.hash().encode(), found.name, request)
    return caching.kept(key, request, lambda: _made(found, request))


def _made(found: Description, request: CaptureRequest) -> Workload:
    missing = absent(("torch", "transformers", "diffusers"))
    if missing:
        raise MissingExtra(
            "not installed, but needed to read the pipeline {name}: {missing}",
            name=found.name,
            missing=", ".join(missing),
            hint="pip install 'whichgpu[diffusers]'",
        )
    return from_document(run(_job(found, request), limits=request.limits)["workload"])


def _job(found: Description, request: CaptureRequest) -> dict[str, Any]:
    """The sandbox follows a script of one line: the pipeline as a literal."""
    return {
        "file": "pipeline.py",
        "text": f"{DESCRIPTION} = {dataclasses.asdict(found)!r}\n",
        "beside": str(Path.cwd()),
        "framework": "diffusers",
        "request": request.document(),
        "limits": dataclasses.asdict(request.limits),
    }
