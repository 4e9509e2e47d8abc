"""A workload under the options that are no matter of its source, in the order in which they depend on each other."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.transforming.accumulating import accumulated
from whichgpu.capturing.transforming.adapting import adapted
from whichgpu.capturing.transforming.caching_features import with_cached_features
from whichgpu.capturing.transforming.checkpointing import checkpointed
from whichgpu.capturing.transforming.freezing import frozen
from whichgpu.capturing.transforming.offloading import check_offload
from whichgpu.errors import InvalidValue
from whichgpu.workload import Workload

TRAINING: Final = ("forward", "backward", "forward+backward", "full")
STEPS_OF: Final = {"train": TRAINING, "infer": ("forward",), "generate": ("prefill", "decode", "full")}
"""What can be asked for in a phase; a whole generation is ``full``."""


def transformed(workload: Workload, request: CaptureRequest) -> Workload:
    """The workload under the request's options; raises InvalidValue where one makes no sense for it."""
    _check(workload, request)
    if request.adapters is not None and workload.adapters is None:
        workload = adapted(workload, request.adapters)
    if request.frozen:
        workload = frozen(workload, request.frozen)
    if request.cached_features:
        workload = with_cached_features(workload)
    changes: dict[str, Any] = {
        name: value
        for name in ("optimizer", "offload", "input_transfer", "power_limit_w")
        if (value := getattr(request, name)) is not None
    }
    workload = dataclasses.replace(workload, **changes)
    if workload.offload is not None:
        check_offload(workload, workload.offload)
    if request.gradient_checkpointing and not workload.gradient_checkpointing:
        workload = checkpointed(workload)
    workload = _at_step(workload, request.step)
    return accumulated(workload, request.gradient_accumulation or _own_passes(workload))


def _own_passes(workload: Workload) -> int:
    """Passes that a source accumulates by itself; a part of a step is of one."""
    return workload.gradient_accumulation if workload.step == "full" else 1


def _check(workload: Workload, request: CaptureRequest) -> None:
    """Raise where an option belongs to another phase than the workload's."""
    asked = {
        "optimizer": request.optimizer,
        "lora-rank": request.adapters,
        "freeze": request.frozen,
        "cached-features": request.cached_features,
        "gradient-checkpointing": request.gradient_checkpointing,
        "gradient-accumulation": request.gradient_accumulation,
    }
    option = next((name for name, value in asked.items() if value), None)
    if option is not None and workload.phase != "train":
        raise InvalidValue(
            "--{option} is of training, and {name} is asked for {phase}",
            option=option,
            name=workload.name,
            phase=workload.phase,
            field=option,
            hint="ask for --phase train",
        )
    graph = (request.adapters, request.frozen, request.cached_features, request.gradient_checkpointing)
    if workload.stages and workload.phase == "train" and any((*graph, request.gradient_accumulation)):
        if workload.gradient_accumulation == 1:
            raise InvalidValue(
                "{name} trains several models in turn, and such an option is of one",
                name=workload.name,
                field=option or "model",
                hint="choose one of its models: --model NAME",
            )
        raise InvalidValue(
            "{name} accumulates gradients already",
            name=workload.name,
            field="gradient-accumulation",
            hint="leave out the options of training, or capture its source again",
        )
    if request.new_tokens is not None and workload.phase != "generate":
        raise InvalidValue(
            "--{option} is of generation, and {name} is asked for {phase}",
            option="new-tokens",
            name=workload.name,
            phase=workload.phase,
            field="new-tokens",
            hint="ask for --phase generate",
        )


def _at_step(workload: Workload, step: str | None) -> Workload:
    """The part of a training step that is asked for; a generation's was chosen when it was made."""
    if step is None or step == workload.whole_step:
        return workload
    known = STEPS_OF[workload.phase]
    if step not in known or workload.phase != "train":
        raise InvalidValue(
            "{name} has no step {step}, only {known}",
            name=workload.name,
            step=step,
            known=", ".join(known) if workload.phase != "generate" else workload.whole_step,
            field="step",
        )
    return dataclasses.replace(workload, step=step)
