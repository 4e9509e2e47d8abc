"""A software stack: what a framework's "float32" means on a GPU, what it fuses, and what it costs a host to drive.

The table is data (``stacks.toml``): one entry a stack, each fact with its source.
"""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from whichgpu.errors import UnknownName, nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One way of running a model.

    ``tf32_matmul`` and ``tf32_conv`` are (first, last) years in which the framework's float32 uses TF32 units by
    default, or None for never. ``host_launch_s`` is the host's time to issue one operator, ``host_backward`` times that
    for one of the backward pass, ``host_step_s`` its fixed time a step, ``host_loop_s`` its time an iteration of a loop
    over steps that no library fuses. ``alone`` says that each operator is issued by itself and waited for, as
    benchmarks of single operators do; ``call_s`` is what a timed call of a library has in it beside its kernel.
    ``routines`` are host times of routines that are issued without a recorded graph, by their name, or their name and
    an architecture's; ``routine_s`` is that of the one that is timed, 0 for none.
    ``stream_bytes_per_clock`` is what a multiprocessor moves a clock in the stack's own kernels, by an operator's
    label in its cost, or by its kind.
    ``fusion`` is the share of fusable element-wise traffic that is left, ``inference_fusion`` that of steps without
    gradients; ``foreach`` says that the optimizer updates all tensors in a few launches. ``layout_copies`` says that
    copies a capturing framework inserts for its memory format run here too; ``channels_last`` that images lie as
    matrix units want them.
    ``unrolled`` is the rate of convolutions that are unrolled image by image into plain products, over a library's; 0
    where a library convolves.
    ``micro_batch`` are the rows that a product takes at most: longer prompts pass in parts.
    ``fused_attention_year`` is the first year in which the framework's attention is one kernel.
    ``winograd_images`` and ``winograd_weights`` are the largest kernels, by their side, that the library has Winograd's
    algorithm for in convolutions and their gradients of images, and in gradients of weights; 0 for none.
    ``early_library`` says that products have few tiles to choose from and no split of k (CUDA libraries before 2017).
    ``expandable_segments`` says that PyTorch's allocator maps pages where they are needed instead of asking for
    segments. ``context_bytes`` is what the framework holds before the model.
    """

    name: str
    framework: str
    tf32_matmul: tuple[int, int] | None
    tf32_conv: tuple[int, int] | None
    host_launch_s: float
    host_backward: float
    host_step_s: float
    host_loop_s: float
    alone: bool
    call_s: float
    routine_s: float
    routines: Mapping[str, float]
    stream_bytes_per_clock: Mapping[str, float]
    fusion: float
    inference_fusion: float
    foreach: bool
    layout_copies: bool
    channels_last: bool
    early_library: bool
    micro_batch: float
    unrolled: float
    winograd_images: int
    winograd_weights: int
    fused_attention_year: int
    expandable_segments: bool
    context_bytes: float
    accelerators: tuple[str, ...]

    def uses_tf32(self, kind: str, year: int) -> bool:
        """Whether float32 products of this kind (``matmul`` or ``conv``) use TF32 units by default in ``year``."""
        years = self.tf32_conv if kind == "conv" else self.tf32_matmul
        return years is not None and years[0] <= year <= years[1]


def calling(stack: Stack, routine: str, architecture: str) -> Stack:
    """The stack while it times one routine on GPUs of an architecture."""
    named = f"{routine}/{architecture}"
    return dataclasses.replace(stack, routine_s=stack.routines.get(named, stack.routines.get(routine, 0.0)))


@functools.cache
def stacks() -> Mapping[str, Stack]:
    """All stacks by name."""
    text = resources.files("whichgpu").joinpath("stacks.toml").read_text(encoding="utf-8")
    return {name: _stack(name, row) for name, row in tomllib.loads(text)["stack"].items()}


def _stack(name: str, row: Mapping[str, Any]) -> Stack:
    def years(key: str) -> tuple[int, int] | None:
        return tuple(row[key]) if key in row else None

    return Stack(
        name=name,
        framework=row["framework"],
        tf32_matmul=years("tf32_matmul_years"),
        tf32_conv=years("tf32_conv_years"),
        host_launch_s=row["host_launch_s"],
        host_backward=row.get("host_backward", 1.0),
        host_step_s=row["host_step_s"],
        host_loop_s=row.get("host_loop_s", 0.0),
        alone=row.get("alone", False),
        call_s=row.get("call_s", 0.0),
        routine_s=0.0,
        routines=row.get("routines", {}),
        stream_bytes_per_clock=row.get("stream_bytes_per_clock", {}),
        fusion=row["fusion"],
        inference_fusion=row.get("inference_fusion", row["fusion"]),
        foreach=row["foreach"],
        layout_copies=row["layout_copies"],
        channels_last=row.get("channels_last", False),
        early_library=row.get("early_library", False),
        micro_batch=row.get("micro_batch", float("inf")),
        unrolled=row.get("unrolled", 0.0),
        winograd_images=row.get("winograd_images", 5),
        winograd_weights=row.get("winograd_weights", 5),
        fused_attention_year=row.get("fused_attention_year", 0),
        expandable_segments=row.get("expandable_segments", False),
        context_bytes=row["context_bytes"],
        accelerators=tuple(row["accelerators"]),
    )


def stack(name: str) -> Stack:
    """The stack called ``name``; raises UnknownName with the nearest one."""
    found = stacks().get(name)
    if found is None:
        close = nearest(name, stacks())
        raise UnknownName(
            "there is no stack {name!r}",
            name=name,
            close=close,
            known=", ".join(stacks()),
            field="stack",
            hint="did you mean {close!r}?" if close else "stacks: {known}",
        )
    return found
