"""StyleGAN's own kernels: filters that change the resolution, and bias with activation; differentiable twice.

Each is one kernel of the authors' extension (NVlabs/stylegan3, torch_utils/ops), forward and backward.
"""

from __future__ import annotations

from typing import Any

import torch

from whichgpu.capturing.tracing import recorder, unrecorded
from whichgpu.graph import Attribute, Kind


class _Filtered(torch.autograd.Function):
    """A linear filter from one size to another; its gradient is the filter from the other size back."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, size: tuple[int, int], name: str, taps: int) -> torch.Tensor:
        ctx.what, active = (tuple(x.shape[2:]), name, taps), recorder()
        with unrecorded():
            y = x.new_empty(*x.shape[:2], *size)
        if active is not None:
            active.note_module()
            active.operator(Kind.INTERPOLATION, name, [x], [y], {"function": name, "taps": taps})
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return _Filtered.apply(gradients[0], *ctx.what), None, None, None


def resampled(x: torch.Tensor, size: tuple[int, int], taps: int = 16) -> torch.Tensor:
    """``x`` [batch, channels, h, w] padded, filtered and brought to another size (upfirdn2d)."""
    y: torch.Tensor = _Filtered.apply(x, size, "upfirdn2d", taps)
    return y


class _Scaled(torch.autograd.Function):
    """A gradient through an activation: scaled by what the output's sign says, and linear in the gradient."""

    @staticmethod
    def forward(ctx: Any, gradient: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(y)
        return gradient * y

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return _Scaled.apply(gradients[0], ctx.saved_tensors[0]), None


class _Activated(torch.autograd.Function):
    """Bias, leaky ReLU, gain and clamp in one pass."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        shape = (1, -1, *[1] * (x.dim() - 2))
        y = x + bias.view(shape)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        scaled = _Scaled.apply(gradients[0], ctx.saved_tensors[0])
        return scaled, scaled.sum([axis for axis in range(scaled.dim()) if axis != 1])


def activated(x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """``x`` [batch, channels, …] with its bias and activation (bias_act)."""
    y: torch.Tensor = _Activated.apply(x, bias)
    return y


class _FilteredActivation(torch.autograd.Function):
    """Bias, upsampling, activation and downsampling in one kernel; the gradient runs the same way back."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, bias: torch.Tensor, size: tuple[int, int], taps: int) -> torch.Tensor:
        ctx.what, active = (tuple(x.shape[2:]), taps), recorder()
        with unrecorded():
            y = x.new_empty(*x.shape[:2], *size)
            # A sign and a clamp of each inner element, four in a byte, which about doubles the sides of the output.
            signs = torch.empty(*x.shape[:2], *size, dtype=torch.uint8)
        ctx.save_for_backward(signs)
        if active is not None:
            active.note_module()
            attributes: dict[str, Attribute] = {"function": "filtered_lrelu", "taps": taps}
            active.operator(Kind.INTERPOLATION, "filtered_lrelu", [x, bias], [y, signs], attributes)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        size, taps = ctx.what
        back = _Filtered.apply(gradients[0], size, "filtered_lrelu", taps)
        return back, back.sum([0, 2, 3]), None, None


def filtered_activation(x: torch.Tensor, bias: torch.Tensor, size: tuple[int, int], taps: int) -> torch.Tensor:
    """``x`` [batch, channels, h, w] activated at a higher resolution and brought to ``size`` (filtered_lrelu)."""
    y: torch.Tensor = _FilteredActivation.apply(x, bias, size, taps)
    return y
