"""The front door to timm's networks: what a name asks for, looked up here and built in the sandbox."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import importlib.util
from pathlib import Path
from typing import Any, Final

from whichgpu.capturing import caching
from whichgpu.capturing.extras import absent
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.sandboxing.launching import run
from whichgpu.capturing.serialising import from_document
from whichgpu.capturing.timm_models.naming import Named, named
from whichgpu.errors import InvalidValue, MissingExtra
from whichgpu.workload import Workload

NETWORK: Final = "network"
"""The name under which the sandbox finds what is asked for."""


def installed() -> bool:
    """Whether timm can be asked."""
    return not absent(_NEEDED)


def read(source: str, request: CaptureRequest) -> Workload:
    """The workload of a network of timm's at a size of pictures; raises MissingExtra without timm."""
    asked = named(source, request.input_shapes)
    _check(asked, request)
    missing = absent(_NEEDED)
    if missing:
        raise MissingExtra(
            "not installed, but needed to capture {name}: {missing}",
            name=asked.name,
            missing=", ".join(missing),
            hint="pip install 'whichgpu[{extra}]'",
            extra="timm",
        )
    key = caching.key_of(importlib.metadata.version("timm").encode(), asked.name, request)
    return caching.kept(
        key, request, lambda: from_document(run(_job(asked, request), limits=request.limits)["workload"])
    )


_NEEDED: Final = ("torch", "torchvision", "timm")


def _check(asked: Named, request: CaptureRequest) -> None:
    """Raise for what no network of pictures has."""
    if request.phase == "generate":
        raise InvalidValue("{name} generates no text", name=asked.name, field="phase", hint="ask for train or infer")
    if request.sequence_length is not None:
        raise InvalidValue(
            "{name} reads pictures, which have no sequence length",
            name=asked.name,
            field="sequence-length",
            hint="their size is in the name, as in timm-resnet50-320px, or --input-shape 3x320x320",
        )


def _job(asked: Named, request: CaptureRequest) -> dict[str, Any]:
    """The sandbox follows a script of one line: the network's name and shape as a literal."""
    return {
        "file": asked.name,
        "text": f"{NETWORK} = {dataclasses.asdict(asked)!r}\n",
        "beside": str(Path.cwd()),
        "framework": "timm",
        "request": request.document(),
        "limits": dataclasses.asdict(request.limits),
    }
