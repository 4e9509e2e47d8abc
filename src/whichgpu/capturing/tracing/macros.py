"""What a library runs as one kernel is one operator: a macro has outputs of the right shapes, and one gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from whichgpu.capturing.tracing.recording import Recorder
from whichgpu.graph import Attribute, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Macro:
    """One operator to record, and its gradient.

    ``outputs`` are shapes; ``reserve`` is the shape of what the library keeps for its backward pass beside inputs and
    outputs; outputs that the backward pass does not read are not kept (``keeps_outputs=False``). In the backward
    operator the gradients of the outputs come first, then ``leading`` inputs (all where None), the outputs, the rest.
    With ``weights_from``, the position of the first weight, it says which gradients were asked for.
    """

    kind: Kind
    name: str
    outputs: tuple[tuple[int, ...], ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    reserve: tuple[int, ...] | None = None
    keeps_outputs: bool = True
    leading: int | None = None
    weights_from: int | None = None


class _Call(torch.autograd.Function):
    """A macro in PyTorch's graph of gradients."""

    @staticmethod
    def forward(ctx: Any, recorder: Recorder | None, macro: Macro, *inputs: torch.Tensor) -> Any:
        made, reserve = _outputs(recorder, macro, inputs)
        kept = (*inputs, *(made if macro.keeps_outputs else ()), *reserve)
        ctx.recorder, ctx.macro = recorder, macro
        ctx.save_for_backward(*kept)
        ctx.set_materialize_grads(False)  # no gradient of an unused output is filled with zeros
        return tuple(made)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor | None) -> Any:
        recorder, macro = ctx.recorder, ctx.macro
        wanted = ctx.needs_input_grad[2:]
        saved = ctx.saved_tensors  # asked for once: a checkpoint computes them again for it
        inputs, rest = saved[: len(wanted)], saved[len(wanted) :]
        with _silence(recorder):
            results = [torch.empty_like(value) if need else None for value, need in zip(inputs, wanted, strict=True)]
        given = [gradient for gradient in gradients if gradient is not None]
        if not given:
            return (None, None, *([None] * len(wanted)))
        leading = len(inputs) if macro.leading is None else macro.leading
        if recorder is not None:
            recorder.operator(
                macro.kind,
                f"{macro.name}_backward",
                [*given[:1], *inputs[:leading], *rest, *inputs[leading:], *given[1:]],
                [result for result in results if result is not None],
                {**macro.attributes, **_asked(macro, wanted)},
            )
        return (None, None, *results)


def _outputs(
    recorder: Recorder | None, macro: Macro, inputs: Sequence[torch.Tensor]
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """The outputs and the reserve of a macro, recorded."""
    with _silence(recorder):
        made = [inputs[0].new_empty(shape) for shape in macro.outputs]
        reserve = [] if macro.reserve is None else [inputs[0].new_empty(macro.reserve)]
    if recorder is not None:
        recorder.note_module()
        recorder.operator(macro.kind, macro.name, inputs, [*made, *reserve], macro.attributes)
    return made, reserve


def _silence(recorder: Recorder | None) -> Any:
    return torch.no_grad() if recorder is None else recorder.paused()


def _asked(macro: Macro, wanted: Sequence[bool]) -> dict[str, Attribute]:
    """Which gradients a layer with weights must make."""
    if macro.weights_from is None:
        return {}
    return {"input_gradient": bool(wanted[0]), "weight_gradient": any(wanted[macro.weights_from :])}


def macro(recorder: Recorder | None, what: Macro, inputs: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """Record one operator over ``inputs`` and return its outputs, differentiable; without a recorder only make them."""
    if torch.is_grad_enabled() and any(value.requires_grad for value in inputs):
        made: tuple[torch.Tensor, ...] = _Call.apply(recorder, what, *inputs)
        return made
    if recorder is None:
        return tuple(_outputs(None, what, inputs)[0])
    plain = Macro(kind=what.kind, name=what.name, outputs=what.outputs, attributes=what.attributes)
    return tuple(_outputs(recorder, plain, inputs)[0])
