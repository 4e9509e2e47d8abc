"""Peak memory of one workload on many GPUs: what is alike is followed once."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

from whichgpu.costing.arithmetic import UNITS, Arithmetic, Resolution
from whichgpu.estimate import Fit, Interval, MemoryParts
from whichgpu.gpu import Gpu
from whichgpu.predicting.memory.allocator import SEGMENT_STEP_BYTES
from whichgpu.predicting.memory.frameworks import context_bytes, workspace_bytes
from whichgpu.predicting.memory.liveness import liveness
from whichgpu.predicting.memory.parts import peak_parts
from whichgpu.predicting.memory.usable import UNIFIED_FORMS
from whichgpu.stack import stack
from whichgpu.workload import Workload


def memory_of(
    workload: Workload, gpus: Sequence[Gpu], resolutions: Sequence[Resolution], *, drops_outputs: bool = False
) -> list[MemoryParts]:
    """The peak of every GPU, in their order; GPUs with the same element sizes share one simulation.

    ``drops_outputs`` says that the training loop deletes what the model gave before its backward pass.
    A library's workspace is a segment of its own, asked for at the first product: it is added, not followed.
    """
    alive = liveness(workload.graph, workload.step)
    whole = dataclasses.replace(workload, offload=None)
    followed: dict[Any, MemoryParts] = {}
    boards: dict[Any, MemoryParts] = {}
    found = []
    for gpu, sizes in zip(gpus, resolutions, strict=True):
        turns = len(alive.turning) > 0 and turns_images(workload, gpu, sizes)
        widths = (sizes.narrow_bytes, sizes.wide_bytes, sizes.weight_bytes, sizes.master_bytes, sizes.mixed)
        # What the host would hold is in the same memory there.
        work = whole if gpu.form in UNIFIED_FORMS or gpu.is_cpu else workload
        key = (*widths, turns, gpu.is_cpu, work.offload)
        if key not in followed:
            followed[key] = peak_parts(
                work,
                alive if not drops_outputs else alive.without_outputs(),
                sizes,
                0.0,
                allocator=True,
                turns=turns,
                processor=gpu.is_cpu,
            )
        held = (workspace_bytes(workload, gpu, alive.products), context_bytes(workload, gpu))
        if (key, held) not in boards:
            boards[key, held] = _on(followed[key], *held)
        found.append(boards[key, held])
    return found


def turns_images(workload: Workload, gpu: Gpu, sizes: Resolution) -> bool:
    """Whether convolutions copy images: NVIDIA's matrix units want channels last, PyTorch's default has them first.

    Sources: cuDNN developer guide, tensor transformations around tensor-core kernels, done in the workspace; oneDNN
    developer guide, "Memory Format Propagation": convolutions of processors want channels in blocks of their own.
    """
    rules = stack(workload.stack)
    if rules.framework != "pytorch" or workload.layout in ("nhwc", "channels_last"):
        return False
    if gpu.is_cpu or gpu.vendor != "NVIDIA":
        return gpu.is_cpu
    figure = next((name for name in UNITS[sizes.conv] if gpu.get(name) is not None), "")
    return "tensor" in figure and sizes.conv is not Arithmetic.FP64


def _on(parts: MemoryParts, workspace: float, context: float) -> MemoryParts:
    lost = -workspace % SEGMENT_STEP_BYTES
    return dataclasses.replace(
        parts, workspaces_bytes=workspace, allocator_bytes=parts.allocator_bytes + lost, context_bytes=context
    )


def fit(needed: Interval, usable: float | None) -> Fit:
    """Whether it fits: certainly where the whole interval does, tight where it straddles the limit."""
    if usable is None or needed.high <= usable:
        return Fit.FITS
    return Fit.DOES_NOT_FIT if needed.low > usable else Fit.TIGHT


def fit_probability(needed: Interval, usable: float | None, certain_bytes: float = 0.0) -> float | None:
    """The probability that the workload fits; None where the memory is unknown.

    What is needed above ``certain_bytes``, which are exact, is log-normal with this interval.
    """
    if usable is None:
        return None
    passing = needed.mid - certain_bytes
    if passing <= 0.0:
        return 1.0 if needed.mid <= usable else 0.0
    if usable <= certain_bytes:
        return 0.0
    width = math.log((needed.high - certain_bytes) / passing) / _deviations(needed.confidence)
    distance = math.log((usable - certain_bytes) / passing)
    if width <= 0.0:
        return 1.0 if distance >= 0.0 else 0.0
    return 0.5 * math.erfc(-distance / width / math.sqrt(2.0))


@functools.cache
def _deviations(confidence: float) -> float:
    """How many standard deviations the middle share of a normal distribution reaches."""
    return NormalDist().inv_cdf(0.5 + confidence / 2.0)
