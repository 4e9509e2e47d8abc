"""Peak memory of a step as a sum with names, and what the allocator makes of it."""

from __future__ import annotations

import dataclasses
import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.costing.arithmetic import Resolution
from whichgpu.estimate import MemoryParts
from whichgpu.predicting.memory.allocator import ROUNDING_BYTES
from whichgpu.predicting.memory.following import follow
from whichgpu.predicting.memory.frameworks import heap_share
from whichgpu.predicting.memory.liveness import Liveness
from whichgpu.predicting.memory.sizing import Sizes, sizes_of
from whichgpu.stack import stack
from whichgpu.workload import Workload

Floats = NDArray[np.float64]

_OTHER_ALLOCATORS: Final = 0.04
"""Share of activations lost between blocks of best-fit allocators that are not followed block by block (TensorFlow,
JAX, ONNX Runtime): stated."""

_GRADIENTS_KEPT_TO: Final = 2022
"""Until PyTorch 2.0 (March 2023) ``zero_grad`` filled gradients with zeros; since then it frees them by default."""


def peak_parts(
    workload: Workload,
    alive: Liveness,
    resolution: Resolution,
    context_bytes: float,
    *,
    allocator: bool = False,
    turns: bool = False,
    processor: bool = False,
) -> MemoryParts:
    """Peak memory of the workload as a sum with names, in bytes.

    With ``allocator`` the stack's is followed, and what its optimizer needs for a moment counts; without, the result
    is what the graph's tensors take. ``turns`` says that the convolutions' library copies images into its own layout,
    ``processor`` that there is no GPU: optimizers update one weight after the other, and the C library has the memory.
    """
    alive = lives(workload, alive, unpacked=allocator, turns=turns)
    sizes = sizes_of(workload, alive, resolution, processor=processor)
    parts = _tensor_parts(workload, alive, sizes, optimizer_steps=allocator)
    if not allocator:
        return MemoryParts(**parts, context_bytes=context_bytes)
    activations = parts["saved_activations_bytes"] + parts["temporaries_bytes"]
    tensors = math.fsum(parts.values())
    rules = stack(workload.stack)
    if rules.framework == "pytorch":
        peaks = follow(alive, sizes, processor=processor, expandable=rules.expandable_segments)
        apart = heap_share() * activations if processor else 0.0
        reserved = max(float(peaks.reserved_bytes), tensors) + apart
        held = reserved if processor else min(max(float(peaks.held_bytes), tensors), reserved)
    else:
        reserved = held = tensors + _OTHER_ALLOCATORS * activations
    return MemoryParts(
        **parts,
        allocator_bytes=reserved - tensors,
        context_bytes=context_bytes,
        cache_bytes=reserved - held,
    )


def lives(workload: Workload, alive: Liveness, *, unpacked: bool, turns: bool) -> Liveness:
    """When storages live in this workload: with its library's copies, and gradients as long as it keeps them."""
    if turns:
        alive = _with_copies(alive, alive.turning, alive.turned)
    if unpacked and unpacks(workload):
        alive = _with_copies(alive, alive.multiplying, alive.matrices)
    if keeps_outputs(workload):
        alive = _with_outputs(alive)
    if keeps_gradients(workload):
        return dataclasses.replace(alive, birth=np.where(alive.gradient, 0, alive.birth))
    return alive.without_lasting_gradients() if hands_over(workload) else alive


def _with_copies(alive: Liveness, at: NDArray[np.int64], elements: Floats) -> Liveness:
    """With one more storage at each of these operators, which lives while it runs."""
    none, no = np.zeros(len(at)), np.zeros(len(at), dtype=bool)
    return dataclasses.replace(
        alive,
        storages=np.concatenate([alive.storages, np.full(len(at), -1)]),
        narrow=np.concatenate([alive.narrow, elements]),
        wide=np.concatenate([alive.wide, none]),
        fixed=np.concatenate([alive.fixed, none]),
        birth=np.concatenate([alive.birth, at]),
        death=np.concatenate([alive.death, at]),
        computed=np.concatenate([alive.computed, at]),
        saved=np.concatenate([alive.saved, no]),
        outputs=np.concatenate([alive.outputs, no]),
        gradient=np.concatenate([alive.gradient, no]),
        data=np.concatenate([alive.data, no]),
    )


def _with_outputs(alive: Liveness) -> Liveness:
    """With the outputs of this step until its end, and those of the last one until these are there."""
    which = np.flatnonzero(alive.outputs)
    if not len(which):
        return alive
    there = int(alive.birth[which].max())
    kept = dataclasses.replace(alive, death=np.where(alive.outputs, max(there, alive.operators - 1), alive.death))
    old, none, no = np.full(len(which), -1), np.zeros(len(which), np.int64), np.zeros(len(which), dtype=bool)
    return dataclasses.replace(
        kept,
        storages=np.concatenate([kept.storages, old]),
        narrow=np.concatenate([kept.narrow, kept.narrow[which]]),
        wide=np.concatenate([kept.wide, kept.wide[which]]),
        fixed=np.concatenate([kept.fixed, kept.fixed[which]]),
        birth=np.concatenate([kept.birth, none]),
        death=np.concatenate([kept.death, none + there]),
        computed=np.concatenate([kept.computed, none + there]),
        saved=np.concatenate([kept.saved, no]),
        outputs=np.concatenate([kept.outputs, no]),
        gradient=np.concatenate([kept.gradient, no]),
        data=np.concatenate([kept.data, no]),
    )


def keeps_outputs(workload: Workload) -> bool:
    """Whether the loop's own variable holds what the model gave until the next step has given it anew.

    So it is in a training loop of PyTorch: ``out = model(batch)`` lives through ``loss.backward()`` and the next pass.
    """
    return workload.phase == "train" and stack(workload.stack).framework == "pytorch"


def unpacks(workload: Workload) -> bool:
    """Whether products multiply by a copy of their 4-bit weights in the arithmetic's own width.

    So does bitsandbytes (MatMul4Bit: dequantize_4bit, then a plain product); a single token has a kernel of its own.
    """
    packed = workload.weight_precision in ("nf4", "nf4-dq", "fp4", "int4")
    return packed and stack(workload.stack).framework == "pytorch" and workload.step != "decode"


def keeps_gradients(workload: Workload) -> bool:
    """Whether the gradients of the last pass are still there when the next one runs."""
    rules = stack(workload.stack)
    return workload.gradient_accumulation > 1 or (
        workload.step == "full" and rules.framework == "pytorch" and workload.stack_year <= _GRADIENTS_KEPT_TO
    )


def hands_over(workload: Workload) -> bool:
    """Whether gradients leave for the host as soon as they are made; accumulated ones stay until the last pass."""
    offload = workload.offload
    return offload is not None and offload.part == "optimizer" and not keeps_gradients(workload)


def _tensor_parts(workload: Workload, alive: Liveness, sizes: Sizes, *, optimizer_steps: bool) -> dict[str, float]:
    sized = granted_bytes(sizes)
    level = levels(sized, alive)
    at = int(np.argmax(level)) if len(level) else 0
    peak = float(level[at]) if len(level) else 0.0
    here = (alive.birth <= at) & (alive.death >= at)
    gradients = float(sized[here & alive.gradient].sum())
    saved = float(sized[here & alive.saved].sum())
    inputs = float(sized[here & alive.data].sum())
    temporaries = peak - gradients - saved - inputs
    if workload.step == "full" and not hands_over(workload):
        # When the optimizer runs, every gradient is there and what its step needs: the peak is at least that.
        every = float(sized[alive.gradient].sum())
        batch = float(sized[alive.data].sum())
        passing = math.fsum(sizes.step_tensors) if optimizer_steps else 0.0
        if every + batch + passing > peak:
            gradients, saved, temporaries, inputs = every, 0.0, passing, batch
    return {
        "weights_bytes": math.fsum(sizes.weights) + sizes.casts + alive.buffers_bytes,
        "kv_cache_bytes": float(sizes.caches.sum()),
        "gradients_bytes": gradients + sizes.buckets,
        "optimizer_bytes": sizes.state,
        "saved_activations_bytes": saved,
        "temporaries_bytes": temporaries,
        "inputs_bytes": inputs,
    }


def granted_bytes(sizes: Sizes) -> Floats:
    """What the allocator grants each storage, [storages]."""
    found: Floats = np.ceil(sizes.storages / ROUNDING_BYTES) * ROUNDING_BYTES
    return found


def levels(sizes: Floats, alive: Liveness) -> Floats:
    """Bytes of the storages that are alive at each operator, and after the last, [operators + 1]."""
    change = np.zeros(alive.operators + 2)
    np.add.at(change, alive.birth, sizes)
    np.add.at(change, alive.death + 1, -sizes)
    found: Floats = np.cumsum(change)[: alive.operators + 1]
    return found
