"""Region proposals: anchors, the network that scores them, the choice of the best, and its training."""

from __future__ import annotations

from typing import Final

import torch
from torch import nn
from torch.nn import functional

from whichgpu.capturing.tracing import unrecorded
from whichgpu.zoo.building.kernels import nms
from whichgpu.zoo.building.models.rcnn.backbone import Conv
from whichgpu.zoo.building.models.rcnn.boxes import clipped, deltas_to, moved, overlaps
from whichgpu.zoo.building.models.rcnn.design import Design

_SAMPLED: Final = 256
_POSITIVE: Final = 32
"""Anchors of an image that are trained, and how many of them are taken to lie on an object."""


class Proposals(nn.Module):
    """The proposal network over one map (15 anchors a place) or a pyramid's five (3 each)."""

    def __init__(self, channels: int, design: Design) -> None:
        super().__init__()
        self.pyramid = design.style == "fpn"
        self.anchors = 3 if self.pyramid else 15
        self.hidden = nn.Sequential(*(Conv(channels, channels) for _ in range(design.proposal_convolutions)))
        self.scores = nn.Conv2d(channels, self.anchors, 1)
        self.deltas = nn.Conv2d(channels, 4 * self.anchors, 1)
        self.register_buffer("cells", torch.zeros(5 if self.pyramid else 1, self.anchors, 4))
        self.before = ((2000, 1000) if self.pyramid else (12000, 6000), (design.train_proposals, 1000))
        if not self.pyramid:
            self.before = ((12000, 6000), (2000, 1000))

    def _grid(self, x: torch.Tensor, level: int, stride: int) -> torch.Tensor:
        """Anchors [places·anchors, 4] of a map."""
        rows, columns = x.shape[2:]
        down = torch.arange(0, rows * stride, stride, dtype=torch.float32)
        across = torch.arange(0, columns * stride, stride, dtype=torch.float32)
        y, x = torch.meshgrid(down, across, indexing="ij")
        shifts = torch.stack((x.reshape(-1), y.reshape(-1), x.reshape(-1), y.reshape(-1)), 1)
        return (shifts.view(-1, 1, 4) + self.cells[level].view(1, -1, 4)).reshape(-1, 4)

    def forward(
        self, maps: list[torch.Tensor], size: tuple[int, int], truth: torch.Tensor
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Proposals [images, n, 4], and in training the losses."""
        hidden = [self.hidden(x) for x in maps]
        scores = [self.scores(h).permute(0, 2, 3, 1).flatten(1) for h in hidden]
        deltas = [self.deltas(h).permute(0, 2, 3, 1).reshape(len(h), -1, 4) for h in hidden]
        strides = [4 << level for level in range(len(maps))] if self.pyramid else [16]
        anchors = [self._grid(x, level, stride) for level, (x, stride) in enumerate(zip(maps, strides, strict=True))]
        losses = self._losses(anchors, scores, deltas, truth) if self.training else []
        with torch.no_grad():
            return self._best(anchors, scores, deltas, size), losses

    def _best(
        self,
        anchors: list[torch.Tensor],
        scores: list[torch.Tensor],
        deltas: list[torch.Tensor],
        size: tuple[int, int],
    ) -> torch.Tensor:
        before, after = (pair[0 if self.training else 1] for pair in self.before)
        chosen, values = [], []
        for anchor, score, delta in zip(anchors, scores, deltas, strict=True):
            images = len(score)
            every = anchor[None].expand(images, -1, -1).reshape(-1, 4)
            boxes = moved(delta.reshape(-1, 4), every).view(images, -1, 4)
            value, index = score.topk(min(before, score.shape[1]), 1)
            chosen.append(boxes.gather(1, index[..., None].expand(-1, -1, 4)))
            values.append(value)
        boxes, value = torch.cat(chosen, 1), torch.cat(values, 1)
        torch.isfinite(boxes).all()
        boxes = clipped(boxes, *size)
        ((boxes[..., 2] - boxes[..., 0] > 0) & (boxes[..., 3] - boxes[..., 1] > 0)).sum()
        # Levels are kept apart by moving each to a place of its own.
        shifted = boxes + boxes.amax(-1, keepdim=True)
        kept = nms(shifted, value, after)
        return boxes.gather(1, kept[..., None].expand(-1, -1, 4))

    def _losses(
        self,
        anchors: list[torch.Tensor],
        scores: list[torch.Tensor],
        deltas: list[torch.Tensor],
        truth: torch.Tensor,
    ) -> list[torch.Tensor]:
        every = torch.cat(anchors)
        images = len(truth)
        with torch.no_grad():
            labels, wanted = _targets(every, truth)
            with unrecorded():
                sampled = torch.zeros(images, _SAMPLED, dtype=torch.long)
                positive = torch.zeros(images, _POSITIVE, dtype=torch.long)
        score, delta = torch.cat(scores, 1), torch.cat(deltas, 1)
        given = delta.gather(1, positive[..., None].expand(-1, -1, 4))
        aim = wanted.gather(1, positive[..., None].expand(-1, -1, 4))
        place = functional.smooth_l1_loss(given, aim, reduction="sum", beta=0.1)
        kind = functional.binary_cross_entropy_with_logits(
            score.gather(1, sampled), labels.gather(1, sampled).float(), reduction="sum"
        )
        return [place / (_SAMPLED * images), kind / (_SAMPLED * images)]


def _targets(anchors: torch.Tensor, truth: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Labels [images, n] of anchors [n, 4] and what would move each to the true box it lies on [images, n, 4]."""
    matches = overlaps(truth, anchors)
    best, which = matches.max(1)
    highest = matches.amax(2)
    labels = torch.where(best < 0.3, 0, -1)
    labels = torch.where(best >= 0.7, 1, labels)
    (matches == highest[..., None]).any(1)
    # A random choice of anchors on objects and off them.
    (labels == 1).sum()
    torch.randperm(labels.shape[1])
    boxes = truth.gather(1, which[..., None].expand(-1, -1, 4)).view(-1, 4)
    every = anchors[None].expand(len(truth), -1, -1).reshape(-1, 4)
    return labels, deltas_to(every, boxes).view(len(truth), -1, 4)
