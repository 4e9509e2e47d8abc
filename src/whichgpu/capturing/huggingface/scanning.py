"""Kernels that a GPU runs for state-space layers and experts, in the place of transformers' loops over them.

Without the compiled packages (mamba-ssm, flash-linear-attention) transformers runs the same function step by step;
a GPU user has them. Each is one operator over its operands; the state stays on the chip.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import torch

from whichgpu.capturing.tracing import Macro, Recorder, macro
from whichgpu.capturing.tracing.replacing import Place
from whichgpu.graph import Kind

Kernel = Callable[..., Any]


def places(recorder: Recorder) -> list[Place]:
    """Stand-ins for the kernels in every model of transformers that is loaded."""
    from transformers import masking_utils
    from transformers.integrations import moe

    kernels = {name: make(recorder) for name, make in _KERNELS.items()}
    # PyTorch's grouped product has no shapes but for BF16; transformers' own operator for the same has.
    found: list[Place] = []
    if hasattr(masking_utils, "find_packed_sequence_indices"):  # it looks whether several texts lie in one row
        found.append((masking_utils, "find_packed_sequence_indices", lambda *_, **__: None))
    if hasattr(moe, "_can_use_grouped_mm"):
        found.append((moe, "_can_use_grouped_mm", lambda *_: False))
    for title, module in list(sys.modules.items()):
        if title.startswith("transformers.models."):
            found.extend((module, name, kernel) for name, kernel in kernels.items() if name in vars(module))
    return found


def _scan(
    recorder: Recorder, function: str, inputs: list[Any], outputs: list[tuple[int, ...]], state: int
) -> tuple[torch.Tensor, ...]:
    """One scan with a ``state`` of so many numbers for each element of its output."""
    what = Macro(
        kind=Kind.SCAN,
        name=function,
        outputs=tuple(outputs),
        attributes={"function": function, "state": state},
        keeps_outputs=False,
    )
    return macro(recorder, what, [value for value in inputs if isinstance(value, torch.Tensor)])


def _shape(*sizes: Any) -> tuple[int, ...]:
    return tuple(int(size) for size in sizes)


def _selective_scan(recorder: Recorder) -> Kernel:
    """Mamba (Gu and Dao 2023): x [b, d, l], B and C [b, n, l]."""

    def kernel(x: Any, dt: Any, A: Any, B: Any, C: Any, D: Any = None, z: Any = None, **options: Any) -> Any:  # noqa: N803
        state = int(A.shape[-1])
        shapes = [_shape(*x.shape), _shape(x.shape[0], x.shape[1], state)]
        out, last = _scan(recorder, "selective_scan", [x, dt, A, B, C, D, z], shapes, state)
        return (out, last) if options.get("return_last_state") else out

    return kernel


def _state_update(recorder: Recorder) -> Kernel:
    """One step of Mamba's or Mamba-2's recurrence: the state is read and written."""

    def kernel(state: Any, x: Any, dt: Any, A: Any, B: Any, C: Any, D: Any = None, **options: Any) -> Any:  # noqa: N803
        operands = [state, x, dt, A, B, C, D, options.get("z")]
        out, new = _scan(recorder, "state_update", operands, [_shape(*x.shape), _shape(*state.shape)], 1)
        with recorder.paused():
            state.copy_(new)
        return out

    return kernel


def _chunk_scan(recorder: Recorder) -> Kernel:
    """Mamba-2 (Dao and Gu 2024): x [b, l, heads, p], B and C [b, l, groups, n]."""

    def kernel(x: Any, dt: Any, A: Any, B: Any, C: Any, chunk_size: int, D: Any = None, **options: Any) -> Any:  # noqa: N803
        state = int(B.shape[-1])
        shapes = [_shape(*x.shape), _shape(x.shape[0], x.shape[2], x.shape[3], state)]
        out, last = _scan(recorder, "chunk_scan", [x, dt, A, B, C, D], shapes, state)
        return (out, last) if options.get("return_final_states") else out

    return kernel


def _delta_rule(recorder: Recorder) -> Kernel:
    """Gated delta rule (Yang et al. 2024): q and k [b, l, heads, dk], v [b, l, heads, dv]."""

    def kernel(query: Any, key: Any, value: Any, g: Any, beta: Any, *_: Any, **options: Any) -> Any:
        depth = int(key.shape[-1])
        shapes = [_shape(*value.shape), _shape(value.shape[0], value.shape[2], depth, value.shape[3])]
        operands = [query, key, value, g, beta, options.get("initial_state")]
        out, last = _scan(recorder, "delta_rule", operands, shapes, depth)
        return out, last if options.get("output_final_state") else None

    return kernel


_KERNELS: Final[Mapping[str, Callable[[Recorder], Kernel]]] = {
    "mamba_selective_scan": _selective_scan,
    "mamba_selective_state_update": _state_update,
    "mamba2_selective_state_update": _state_update,
    "mamba2_chunk_scan": _chunk_scan,
    "torch_chunk_gated_delta_rule": _delta_rule,
    "torch_recurrent_gated_delta_rule": _delta_rule,
    "chunk_kimi_delta_attention": _delta_rule,
    "recurrent_kimi_delta_attention": _delta_rule,
}
"""Functions of transformers that hand over to a compiled kernel where one is installed, by their names there."""
