"""Scripts of TensorFlow: run until their step is known, which TensorFlow traces at two sizes of batches."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import keras

from whichgpu.capturing.following import Script, first_line, placed
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.serialising import to_document
from whichgpu.capturing.tensorflow_scripts import training
from whichgpu.capturing.tensorflow_scripts.converting import Converter
from whichgpu.capturing.tensorflow_scripts.noted import NOTED, Found
from whichgpu.errors import DataError, InvalidValue, NoModel, Untraceable, WhichGpuError
from whichgpu.graph import OperatorGraph, with_slopes
from whichgpu.workload import OPTIMIZERS, Assumption, Precision, Workload

POLICIES = {"mixed_float16": "amp-fp16", "mixed_bfloat16": "amp-bf16", "float16": "fp16", "bfloat16": "bf16"}


class TensorFlowFollower:
    """Follows one script; TensorFlow stays patched for the rest of the process."""

    def __init__(self) -> None:
        training.install()

    @contextlib.contextmanager
    def running(self, script: Script) -> Iterator[None]:
        """The time in which the script runs."""
        yield

    def explain(self, error: BaseException, script: Script, line: int) -> WhichGpuError | None:
        """What a stand-in says of itself, with the script's line."""
        return placed(error, file=script.file, line=line) if isinstance(error, WhichGpuError) else None

    def enough(self) -> bool:
        """Whether a step was seen before the script stopped."""
        return NOTED.found is not None

    def result(
        self, script: Script, request: CaptureRequest, variables: dict[str, Any], stopped: dict[str, Any] | None
    ) -> dict[str, Any]:
        """The workload of the step that was seen last."""
        found = NOTED.found
        if found is None:
            raise NoModel(
                "{file} ends before TensorFlow makes a step",
                file=script.file,
                hint="give the script that trains the model",
            )
        if request.phase not in (None, "train"):
            raise InvalidValue(
                "{file} has no work of the phase {phase}",
                file=script.file,
                phase=request.phase,
                field="phase",
                hint="leave the phase out",
            )
        try:
            graph = _graph(found)
        except WhichGpuError:
            raise
        except Exception as error:
            raise Untraceable(
                "{file}: TensorFlow does not trace the step: {problem}",
                file=script.file,
                problem=first_line(error),
                hint="run the script by itself to see more",
            ) from error
        return {"workload": to_document(_workload(script, request, found, graph, stopped))}


def _graph(found: Found) -> OperatorGraph:
    """The step at the script's batch, with its slopes where another batch does the same work."""

    def at(size: int) -> OperatorGraph:
        function, gradients = found.traced(size)
        graph = Converter(gradients).graph(function, size)
        graph.verify()
        return graph

    own = at(found.batch_size)
    try:
        return with_slopes(own, at(2 * found.batch_size + 1))
    except (DataError, ValueError, TypeError):  # a step for one size alone
        return own


def _workload(
    script: Script, request: CaptureRequest, found: Found, graph: OperatorGraph, stopped: dict[str, Any] | None
) -> Workload:
    batch_size = request.batch_size or found.batch_size
    if batch_size != found.batch_size and not graph.scalable:
        raise InvalidValue(
            "the script's own training loop has batches of {batch_size}, and is read for these alone",
            batch_size=found.batch_size,
            field="batch_size",
            hint="change the batch size in the script",
        )
    precision = request.precision
    policy = POLICIES.get(keras.mixed_precision.dtype_policy().name)
    if precision is Precision.DEFAULT and policy is not None:
        precision = Precision(policy)
    told = [Assumption(code="stack_from_script", values={"stack": "tf2-graph"})]
    if NOTED.data_sets:
        told.append(Assumption(code="public_data_assumed", values={"names": sorted(NOTED.data_sets)}))
    if stopped is not None:
        told.append(Assumption(code="script_stopped", values=stopped))
    return Workload(
        name=PurePath(script.file).stem,
        graph=graph.at_batch(batch_size),
        phase="train",
        step="full",
        batch_size=batch_size,
        category="script",
        precision=precision,
        weight_precision=request.weight_precision,
        optimizer=_optimizer(found.optimizer),
        samples=request.samples if request.samples is not None else found.samples,
        epochs=request.epochs if request.epochs is not None else found.epochs,
        stack=request.stack or "tf2-graph",
        assumptions=tuple(told),
    )


def _optimizer(optimizer: Any) -> str:
    """The optimizer's name in the closed list, or that of its nearest kin."""
    name = type(optimizer).__name__.lower()
    if name == "sgd" and getattr(optimizer, "momentum", False):
        return "momentum"
    return name if name in OPTIMIZERS else "adam"
