"""Arithmetic on boxes, in the many small operators in which detectron2 does it."""

from __future__ import annotations

import torch


def moved(deltas: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    """Boxes [n, 4] moved and stretched by ``deltas`` [n, 4·k]."""
    widths = boxes[:, 2] - boxes[:, 0]
    heights = boxes[:, 3] - boxes[:, 1]
    across = boxes[:, 0] + 0.5 * widths
    down = boxes[:, 1] + 0.5 * heights
    dx, dy = deltas[:, 0::4] / 10.0, deltas[:, 1::4] / 10.0
    dw = torch.clamp(deltas[:, 2::4] / 5.0, max=4.13)
    dh = torch.clamp(deltas[:, 3::4] / 5.0, max=4.13)
    x = dx * widths[:, None] + across[:, None]
    y = dy * heights[:, None] + down[:, None]
    w = torch.exp(dw) * widths[:, None]
    h = torch.exp(dh) * heights[:, None]
    sides = (x - 0.5 * w, y - 0.5 * h, x + 0.5 * w, y + 0.5 * h)
    return torch.stack(sides, -1).reshape(deltas.shape)


def deltas_to(boxes: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """What moves ``boxes`` [n, 4] onto ``targets`` [n, 4]."""
    sizes = [(b[:, 2] - b[:, 0], b[:, 3] - b[:, 1]) for b in (boxes, targets)]
    centres = [(b[:, 0] + 0.5 * w, b[:, 1] + 0.5 * h) for b, (w, h) in zip((boxes, targets), sizes, strict=True)]
    dx = 10.0 * (centres[1][0] - centres[0][0]) / sizes[0][0]
    dy = 10.0 * (centres[1][1] - centres[0][1]) / sizes[0][1]
    dw = 5.0 * torch.log(sizes[1][0] / sizes[0][0])
    dh = 5.0 * torch.log(sizes[1][1] / sizes[0][1])
    return torch.stack((dx, dy, dw, dh), 1)


def clipped(boxes: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Boxes [..., 4] cut to an image."""
    limits = (width, height, width, height)
    return torch.stack([boxes[..., i].clamp(0, limits[i]) for i in range(4)], -1)


def overlaps(truth: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    """Intersection over union [images, g, n] of true boxes [images, g, 4] with boxes [n, 4] or [images, n, 4]."""
    own = boxes if boxes.dim() == 3 else boxes[None]
    corners = torch.min(truth[:, :, None, 2:], own[:, None, :, 2:]) - torch.max(
        truth[:, :, None, :2], own[:, None, :, :2]
    )
    corners = corners.clamp(min=0)
    inside = corners.prod(-1)
    areas = (own[..., 2] - own[..., 0]) * (own[..., 3] - own[..., 1])
    true_areas = (truth[..., 2] - truth[..., 0]) * (truth[..., 3] - truth[..., 1])
    union = true_areas[:, :, None] + areas[:, None] - inside
    return torch.where(inside > 0, inside / union, torch.zeros(1))
