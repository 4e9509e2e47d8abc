"""Operators over neighbourhoods of an image: pooling, interpolation, sampling at given places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from whichgpu.capturing.tracing.rules import Arguments, Attributes, reads, register_functions
from whichgpu.graph import Kind


def _aten(names: str) -> str:
    return " ".join(f"aten.{name}" for name in names.split())


def _sizes(value: Any) -> tuple[int, ...]:
    return tuple(int(size) for size in value) if isinstance(value, list | tuple) else ()


def _windows(function: str) -> Callable[[Arguments], Attributes]:
    """Kernel and stride of a pooling: its first two lists of sizes; without a stride it is the kernel."""

    def read(arguments: Arguments) -> Attributes:
        lists = [_sizes(value) for value in arguments if isinstance(value, list | tuple)]
        kernel = lists[0] if lists else ()
        return {"function": function, "kernel": kernel, "stride": lists[1] if len(lists) > 1 and lists[1] else kernel}

    return read


def _adaptive(function: str) -> Callable[[Arguments], Attributes]:
    """The window of an adaptive pooling: how many inputs make one output, from the image and the size asked for."""

    def read(arguments: Arguments) -> Attributes:
        tensors = [value for value in arguments if hasattr(value, "shape")]
        # A gradient has no sizes in its arguments: what comes in is the output's size, what is pooled the input's.
        wanted = next((_sizes(value) for value in arguments if isinstance(value, list | tuple)), None)
        small = wanted if wanted is not None else tuple(int(size) for size in tensors[0].shape[2:])
        large = tuple(int(size) for size in tensors[0 if wanted is not None else 1].shape[-len(small) :])
        window = tuple(-(-size // max(out, 1)) for size, out in zip(large, small, strict=True))
        return {"function": function, "kernel": window, "stride": window}

    return read


reads(
    Kind.POOLING,
    _aten(
        """
        max_pool2d_with_indices max_pool2d_with_indices_backward max_pool3d_with_indices
        max_pool3d_with_indices_backward max_pool2d max_pool3d fractional_max_pool2d fractional_max_pool2d_backward
        fractional_max_pool3d fractional_max_pool3d_backward max_unpool2d
        max_unpool3d
        """
    ),
)(_windows("max"))
reads(Kind.POOLING, _aten("avg_pool1d avg_pool2d avg_pool2d_backward avg_pool3d avg_pool3d_backward"))(
    _windows("average")
)
reads(
    Kind.POOLING,
    _aten("adaptive_max_pool2d adaptive_max_pool2d_backward adaptive_max_pool3d adaptive_max_pool3d_backward"),
)(_adaptive("max"))
reads(
    Kind.POOLING,
    _aten(
        """
        adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_avg_pool3d_backward _adaptive_avg_pool2d
        _adaptive_avg_pool2d_backward _adaptive_avg_pool3d _adaptive_avg_pool3d_backward
        """
    ),
)(_adaptive("average"))

register_functions(
    Kind.INTERPOLATION,
    _aten(
        """
        upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_linear1d upsample_bilinear2d
        upsample_trilinear3d upsample_bicubic2d _upsample_nearest_exact1d _upsample_nearest_exact2d
        _upsample_nearest_exact3d _upsample_bilinear2d_aa _upsample_bicubic2d_aa upsample_nearest1d_backward
        upsample_nearest2d_backward upsample_nearest3d_backward upsample_linear1d_backward
        upsample_bilinear2d_backward upsample_trilinear3d_backward upsample_bicubic2d_backward
        _upsample_nearest_exact1d_backward _upsample_nearest_exact2d_backward _upsample_nearest_exact3d_backward
        _upsample_bilinear2d_aa_backward _upsample_bicubic2d_aa_backward _upsample_lanczos2d_aa
        _upsample_lanczos2d_aa_backward grid_sampler_2d grid_sampler_2d_backward
        grid_sampler_3d grid_sampler_3d_backward affine_grid_generator
        """
    )
    + " torchvision.roi_align torchvision._roi_align_backward torchvision.roi_pool torchvision._roi_pool_backward",
)
