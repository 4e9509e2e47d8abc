"""What a GPU library runs as one kernel and ATen does not have as one operator, for models to call while traced."""

from __future__ import annotations

from typing import Any

import torch

from whichgpu.capturing.tracing import Macro, macro, recorder, unrecorded
from whichgpu.graph import Kind


def local_response_norm(x: torch.Tensor) -> torch.Tensor:
    """Local response normalisation (Krizhevsky 2012) of images, as cuDNN runs it."""
    what = Macro(
        kind=Kind.NORM,
        name="local_response_norm",
        outputs=(tuple(x.shape),),
        attributes={"norm": "local_response", "training": True},
    )
    return macro(recorder(), what, [x])[0]


def nms(boxes: torch.Tensor, scores: torch.Tensor, keep: int) -> torch.Tensor:
    """Indices [images, keep] of the boxes [images, n, 4] that non-maximum suppression keeps; how many is assumed."""
    with unrecorded():
        kept = torch.zeros(boxes.shape[0], keep, dtype=torch.long)
    active = recorder()
    if active is not None:
        active.operator(Kind.NMS, "torchvision.nms", [boxes.detach(), scores.detach()], [kept], {"function": "nms"})
    return kept


class _RoiAlign(torch.autograd.Function):
    """Features pooled in regions; the gradient is scattered into an image of zeros."""

    @staticmethod
    def forward(ctx: Any, features: torch.Tensor, regions: torch.Tensor, size: int) -> torch.Tensor:
        ctx.shape, active = features.shape, recorder()
        ctx.save_for_backward(regions)
        with unrecorded():
            pooled = features.new_empty(regions.shape[0], features.shape[1], size, size)
        if active is not None:
            # Each output is a mean of samples inside its region: about as many are read as are written.
            read = active.view_of(features, tuple(pooled.shape))
            active.note_module()
            active.operator(Kind.INTERPOLATION, "roi_align", [read, regions], [pooled], {"function": "roi_align"})
        return pooled

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        (regions,) = ctx.saved_tensors
        active = recorder()
        result = gradient.new_zeros(ctx.shape)
        if active is not None:
            attributes = {"function": "roi_align"}
            active.operator(Kind.INTERPOLATION, "roi_align_backward", [gradient, regions], [result], attributes)
        return result, None, None


def roi_align(features: torch.Tensor, regions: torch.Tensor, size: int) -> torch.Tensor:
    """Features [images, channels, h, w] pooled to [regions, channels, size, size]; regions are [n, 5]."""
    pooled: torch.Tensor = _RoiAlign.apply(features, regions, size)
    return pooled


def deformable_columns(x: torch.Tensor, offsets: torch.Tensor, kernel: int) -> torch.Tensor:
    """Columns [images, channels·kernel², positions] sampled at ``offsets`` [images, 2·kernel², rows, columns].

    The first half of a deformable convolution (Dai 2017); the second is a matrix product.
    """
    images, _, rows, columns = offsets.shape
    what = Macro(
        kind=Kind.INTERPOLATION,
        name="deformable_im2col",
        outputs=((images, x.shape[1] * kernel * kernel, rows * columns),),
        attributes={"function": "deformable_im2col"},
        keeps_outputs=False,
    )
    return macro(recorder(), what, [x, offsets])[0]
