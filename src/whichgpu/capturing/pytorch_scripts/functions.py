"""Inside the sandbox: a function of a script is called, and the model that it returns is traced."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from whichgpu.capturing.following import Script, first_line
from whichgpu.capturing.input_shapes import InputShape, input_shape
from whichgpu.capturing.pytorch import Example, batch_of, workload
from whichgpu.capturing.pytorch_scripts.follower import PyTorchFollower
from whichgpu.capturing.request import DEFAULT_BATCH, CaptureRequest
from whichgpu.capturing.serialising import to_document
from whichgpu.errors import InvalidValue, NoModel, ScriptFailed, UnknownName, WhichGpuError, nearest
from whichgpu.workload import Assumption


class FunctionFollower(PyTorchFollower):
    """Runs a file as a module, and calls one of its functions."""

    def rewritten(self, script: Script) -> str:
        """The script as it stands."""
        return script.text

    def enough(self) -> bool:
        """A file that stops has no function to call."""
        return False

    def result(
        self, script: Script, request: CaptureRequest, variables: dict[str, Any], stopped: dict[str, Any] | None
    ) -> dict[str, Any]:
        """The workload of what the function returns."""
        self._end()
        module, inputs = self._returned(script, variables)
        assumptions = self._assumptions(None)
        if inputs is None:
            inputs = self._inputs(script, request, assumptions)
        elif request.input_shapes:
            inputs = self._inputs(script, request, [])
        if request.phase is None:
            assumptions.append(Assumption(code="phase_of_function_assumed", values={"phase": "infer"}))
        with self.recorder.paused():
            example = Example(module=module, inputs=inputs)
            made = workload(example, request, phase=request.phase or "infer")
        made = dataclasses.replace(
            made, name=f"{script.file}:{script.function}", assumptions=(*assumptions, *made.assumptions)
        )
        return {"workload": to_document(made)}

    def _returned(self, script: Script, variables: dict[str, Any]) -> tuple[torch.nn.Module, Any]:
        """The model, and its inputs or None."""
        function = variables.get(script.function)
        if not callable(function):
            known = [name for name, value in variables.items() if callable(value) and not name.startswith("_")]
            raise UnknownName(
                "{file} has no function {name!r}",
                file=script.file,
                name=script.function,
                field="source",
                hint="did you mean {close!r}?",
                close=nearest(script.function, known) or "; ".join(known[:5]),
            )
        made = function if isinstance(function, torch.nn.Module) else self._called(script, function)
        module, inputs = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
        if not isinstance(module, torch.nn.Module):
            raise NoModel(
                "{function} of {file} returns {kind}, and no model",
                function=script.function,
                file=script.file,
                kind=type(module).__name__,
                hint="let it return a torch.nn.Module, or one with its inputs",
            )
        return module, inputs

    def _called(self, script: Script, function: Any) -> Any:
        try:
            return function()
        except WhichGpuError:
            raise
        except Exception as error:
            raise ScriptFailed(
                "{function} of {file} fails: {error}",
                function=script.function,
                file=script.file,
                error=first_line(error),
                hint="it must run without arguments, and return a torch.nn.Module, or one with its inputs",
            ) from error

    def _inputs(self, script: Script, request: CaptureRequest, assumptions: list[Assumption]) -> Any:
        """Inputs of the shapes that are asked for."""
        if not request.input_shapes:
            raise InvalidValue(
                "{function} of {file} returns a model without its inputs",
                function=script.function,
                file=script.file,
                field="input-shape",
                hint="give their shapes: --input-shape 3x224x224, once for each input, without the batch",
            )
        batch = request.batch_size or DEFAULT_BATCH
        if request.batch_size is None:
            assumptions.append(Assumption(code="batch_size_assumed", values={"batch_size": batch}))
        made = [_example(input_shape(text), batch) for text in request.input_shapes]
        assert batch_of(made) == batch
        return made


def _example(shape: InputShape, batch: int) -> torch.Tensor:
    return torch.empty((batch, *shape.shape), dtype=getattr(torch, shape.dtype))


def load() -> FunctionFollower:
    """The follower, with PyTorch loaded."""
    return FunctionFollower()
