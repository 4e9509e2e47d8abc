"""A workload captured before, under what the user fixes now."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from whichgpu.capturing.request import CaptureRequest
from whichgpu.errors import InvalidValue
from whichgpu.workload import Precision, Workload

REPLACED: Final = ("weight_precision", "samples", "epochs", "stack")
"""Fields of a workload that a request simply replaces."""


def adjusted(workload: Workload, request: CaptureRequest) -> Workload:
    """The workload at the batch size, phase and precision that are asked for.

    Raises InvalidValue for a sequence length, which changes the graph, for a phase that the capture does not hold,
    and for a batch size where the graph does not scale.
    """
    if request.sequence_length not in (None, workload.sequence_length):
        raise InvalidValue(
            "{name} was captured at a sequence length of {length}",
            name=workload.name,
            length=workload.sequence_length,
            field="sequence-length",
            hint="capture its source again at that length",
        )
    if request.new_tokens not in (None, workload.new_tokens):
        raise InvalidValue(
            "{name} was captured with {held} new tokens",
            name=workload.name,
            held=workload.new_tokens or 0,
            field="new-tokens",
            hint="capture its source again with that number",
        )
    changes: dict[str, Any] = {name: getattr(request, name) for name in REPLACED if getattr(request, name) is not None}
    if request.precision is not Precision.DEFAULT:
        changes["precision"] = request.precision
    if request.phase not in (None, workload.phase):
        changes.update(_as_phase(workload, str(request.phase)))
    found = dataclasses.replace(workload, **changes)
    return found if request.batch_size is None else found.at_batch(request.batch_size)


def _as_phase(workload: Workload, phase: str) -> dict[str, Any]:
    if phase != "infer" or workload.phase != "train":
        raise InvalidValue(
            "{name} was captured for {held}, not for {phase}",
            name=workload.name,
            held=workload.phase,
            phase=phase,
            field="phase",
            hint="capture its source again with --phase {phase}",
        )
    return {"phase": "infer", "step": "forward", "optimizer": "none"}
