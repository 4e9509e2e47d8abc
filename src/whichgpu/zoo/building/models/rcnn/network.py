"""A whole R-CNN: images in, losses or detections out."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from whichgpu.capturing.tracing import unrecorded
from whichgpu.zoo.building.models.rcnn.backbone import Conv, Pyramid, ResNet, TimmBackbone
from whichgpu.zoo.building.models.rcnn.boxes import clipped, moved, overlaps
from whichgpu.zoo.building.models.rcnn.design import Design
from whichgpu.zoo.building.models.rcnn.heads import (
    DETECTIONS,
    POSITIVE,
    SAMPLED,
    BoxHead,
    MaskHead,
    Res5Head,
    box_loss,
    detections,
    mask_loss,
    pasted,
    pooled,
    sampled,
)
from whichgpu.zoo.building.models.rcnn.proposals import Proposals

TRUE_BOXES = 8
"""Objects of an image (COCO has 7.3 on average; Lin 2014)."""


class SemanticHead(nn.Module):
    """Panoptic FPN's second branch (Kirillov 2019): every level raised to stride 4, summed, and classified."""

    def __init__(self, classes: int = 54) -> None:
        super().__init__()
        self.levels = nn.ModuleList(nn.ModuleList(self._level(max(1, level))) for level in range(4))
        self.predictor = nn.Conv2d(128, classes, 1)

    @staticmethod
    def _level(length: int) -> list[nn.Module]:
        return [Conv(128 if step else 256, 128, norm="group") for step in range(length)]

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """Logits [images, classes, height, width] at the size of the image."""
        total = None
        for level, (x, convolutions) in enumerate(zip(maps, self.levels, strict=True)):
            for convolution in convolutions:
                x = convolution(x)
                if level:
                    x = functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            total = x if total is None else total + x
        return functional.interpolate(self.predictor(total), scale_factor=4.0, mode="bilinear", align_corners=False)


class Rcnn(nn.Module):
    """An R-CNN of a design, with its losses; ``shown`` is the size of the image before it was scaled."""

    def __init__(self, design: Design, shown: tuple[int, int] = (480, 640)) -> None:
        super().__init__()
        self.design, self.shown = design, shown
        self.backbone = TimmBackbone(design.timm_backbone) if design.timm_backbone else ResNet(design)
        channels = {"fpn": 256, "c4": 1024, "dc5": 2048}[design.style]
        if design.style == "fpn":
            widths = self.backbone.widths if design.timm_backbone else (256, 512, 1024, 2048)
            self.pyramid = Pyramid(widths, design.pyramid_norm)
        if design.task != "fast":
            self.proposals = Proposals(channels, design)
        self.masked = design.task in ("mask", "panoptic")
        if design.task != "rpn":
            self._add_heads(channels)

    def _add_heads(self, channels: int) -> None:
        design = self.design
        if design.style == "c4":
            self.boxes = nn.ModuleList([Res5Head(design)])
        else:
            self.boxes = nn.ModuleList(BoxHead(channels, design) for _ in range(3 if design.cascade else 1))
        if self.masked:
            c4 = design.style == "c4"
            self.masks = MaskHead(2048 if c4 else channels, design, 0 if c4 else design.mask_convolutions)
        if design.task == "panoptic":
            self.semantic = SemanticHead()

    def forward(self, images: torch.Tensor, truth: torch.Tensor, given: torch.Tensor) -> list[torch.Tensor]:
        """Losses in training, else detections and masks; ``given`` are proposals from outside."""
        size = (images.shape[2], images.shape[3])
        with unrecorded():
            mean = torch.zeros(1, 3, 1, 1)
        maps = self.backbone((images - mean) / mean)
        if self.design.style == "fpn":
            maps = self.pyramid(maps)
        losses: list[torch.Tensor] = []
        boxes = given
        if self.design.task != "fast":
            boxes, losses = self.proposals(maps, size, truth)
        if self.design.task == "rpn":
            return losses if self.training else [boxes]
        if self.design.style == "fpn":
            maps = maps[:4]
        found = self._trained(maps, boxes, truth, size) if self.training else self._detected(maps, boxes, size)
        found += losses
        return found + self._semantic(maps) if self.design.task == "panoptic" else found

    def _region_size(self) -> int:
        return 14 if self.design.style == "c4" else 7

    def _trained(
        self, maps: list[torch.Tensor], boxes: torch.Tensor, truth: torch.Tensor, size: tuple[int, int]
    ) -> list[torch.Tensor]:
        with torch.no_grad():
            regions, aims = sampled(boxes, truth)
        losses = []
        for step, head in enumerate(self.boxes):
            features = pooled(maps, regions, self._region_size())
            scores, deltas = head(features)
            losses.append(box_loss(scores, deltas, regions, aims))
            if step + 1 < len(self.boxes):
                with torch.no_grad():
                    regions = clipped(moved(deltas, regions.reshape(-1, 4)).view(regions.shape), *size)
                    overlaps(truth, regions).max(1)
        if self.masked:
            losses.append(mask_loss(self._masks(maps, regions[:, :POSITIVE]), truth))
        return losses

    def _masks(self, maps: list[torch.Tensor], boxes: torch.Tensor) -> torch.Tensor:
        features = pooled(maps, boxes, 14)
        if self.design.style == "c4":
            features = self.boxes[0].stage(features)
        return self.masks(features)

    def _detected(self, maps: list[torch.Tensor], boxes: torch.Tensor, size: tuple[int, int]) -> list[torch.Tensor]:
        probabilities = []
        for step, head in enumerate(self.boxes):
            scores, deltas = head(pooled(maps, boxes, self._region_size()))
            probabilities.append(functional.softmax(scores, -1))
            if step + 1 < len(self.boxes):
                boxes = clipped(moved(deltas, boxes.reshape(-1, 4)).view(boxes.shape), *size)
        mean = probabilities[0]
        if len(probabilities) > 1:
            mean = torch.stack(probabilities).mean(0)
        found = detections(mean, deltas, boxes, size)
        if not self.masked:
            return [found]
        masks = self._masks(maps, found)
        return [found, pasted(masks, found.reshape(-1, 4), self.shown)]

    def _semantic(self, maps: list[torch.Tensor]) -> list[torch.Tensor]:
        logits = self.semantic(maps)
        if self.training:
            with unrecorded():
                labels = torch.zeros(logits.shape[0], *logits.shape[2:], dtype=torch.long)
            return [0.5 * functional.cross_entropy(logits, labels)]
        shown = functional.interpolate(logits, size=self.shown, mode="bilinear", align_corners=False)
        return [shown.argmax(1)]


def inputs(images: int, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Images, their true boxes, and proposals for a network that is given them."""
    return torch.zeros(images, 3, height, width), torch.zeros(images, TRUE_BOXES, 4), torch.zeros(images, 1000, 4)


__all__ = ["DETECTIONS", "SAMPLED", "TRUE_BOXES", "Rcnn", "SemanticHead", "inputs"]
