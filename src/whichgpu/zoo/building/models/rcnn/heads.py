"""What is done with regions: pooling from the right map, boxes with classes, masks; in one step or three."""

from __future__ import annotations

from typing import Final

import torch
from torch import nn
from torch.nn import functional

from whichgpu.capturing.tracing import unrecorded
from whichgpu.zoo.building.kernels import nms, roi_align
from whichgpu.zoo.building.models.rcnn.backbone import Conv, stage_of
from whichgpu.zoo.building.models.rcnn.boxes import clipped, deltas_to, moved, overlaps
from whichgpu.zoo.building.models.rcnn.design import Design

SAMPLED: Final = 512
POSITIVE: Final = 128
"""Regions of an image that are trained, and the most of them that lie on an object (and train masks)."""
_CANDIDATES: Final = 300
"""Boxes of an image that are taken to pass the score threshold of 0.05."""
DETECTIONS: Final = 100
"""Most detections of an image."""


def pooled(maps: list[torch.Tensor], boxes: torch.Tensor, size: int) -> torch.Tensor:
    """Regions [images·n, channels, size, size] of boxes [images, n, 4]; each is pooled from the map of its scale."""
    images, count, _ = boxes.shape
    with unrecorded():
        owner = torch.zeros(images * count, 1)
    regions = torch.cat((owner, boxes.reshape(-1, 4)), 1)
    if len(maps) == 1:
        return roi_align(maps[0], regions, size)
    areas = (regions[:, 3] - regions[:, 1]) * (regions[:, 4] - regions[:, 2])
    level = torch.floor(4 + torch.log2(torch.sqrt(areas) / 224 + 1e-8)).clamp(2, 5)
    result = maps[0].new_zeros(images * count, maps[0].shape[1], size, size)
    for number, x in enumerate(maps):
        with unrecorded():
            here = torch.zeros(images * count // len(maps), dtype=torch.long)
        (level == number).sum()
        result = result.index_put((here,), roi_align(x, regions.index_select(0, here), size))
    return result


class BoxHead(nn.Module):
    """Features of regions and what is predicted from them: class scores and movements of the box."""

    def __init__(self, channels: int, design: Design, size: int = 7) -> None:
        super().__init__()
        norm = design.head_norm
        self.convolutions = nn.Sequential(*(Conv(channels, 256, norm=norm) for _ in range(design.box_convolutions)))
        width = (256 if design.box_convolutions else channels) * size * size
        dense = [nn.Linear(width, 1024), nn.ReLU()]
        if not design.box_convolutions:
            dense += [nn.Linear(1024, 1024), nn.ReLU()]
        self.dense = nn.Sequential(nn.Flatten(), *dense)
        self.predictor = Predictor(1024, design)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores [n, classes + 1] and movements of regions [n, channels, size, size]."""
        found: tuple[torch.Tensor, torch.Tensor] = self.predictor(self.dense(self.convolutions(x)))
        return found


class Predictor(nn.Module):
    """Class scores and movements from a feature vector."""

    def __init__(self, width: int, design: Design) -> None:
        super().__init__()
        self.scores = nn.Linear(width, design.classes + 1)
        self.deltas = nn.Linear(width, 4 * (1 if design.agnostic else design.classes))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores [n, classes + 1] and movements [n, 4·classes] of features [n, width]."""
        return self.scores(x), self.deltas(x)


class Res5Head(nn.Module):
    """The last stage of the ResNet on pooled regions, averaged."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.stage = stage_of(design, 5)
        self.predictor = Predictor(2048, design)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores and movements of regions [n, 1024, 14, 14]."""
        found: tuple[torch.Tensor, torch.Tensor] = self.predictor(self.stage(x).mean((2, 3)))
        return found


class MaskHead(nn.Module):
    """A mask for each class of every region."""

    def __init__(self, channels: int, design: Design, convolutions: int) -> None:
        super().__init__()
        norm = design.mask_norm
        layers: list[nn.Module] = []
        for _ in range(convolutions):
            layers.append(Conv(channels, 256, norm=norm))
            channels = 256
        self.convolutions = nn.Sequential(*layers)
        self.raised = nn.ConvTranspose2d(channels, 256, 2, 2)
        self.predictor = nn.Conv2d(256, design.classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [n, classes, 2·size, 2·size] of regions [n, channels, size, size]."""
        return self.predictor(functional.relu(self.raised(self.convolutions(x))))


def sampled(boxes: torch.Tensor, truth: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Regions that are trained [images, 512, 4] and the true box of each, from proposals and true boxes."""
    every = torch.cat((boxes, truth), 1)
    best, which = overlaps(truth, every).max(1)
    labels = torch.where(best >= 0.5, 1, 0)
    (labels == 1).sum()
    torch.randperm(labels.shape[1])
    with unrecorded():
        index = torch.zeros(len(every), SAMPLED, dtype=torch.long)
    regions = every.gather(1, index[..., None].expand(-1, -1, 4))
    aims = truth.gather(1, which.gather(1, index)[..., None].expand(-1, -1, 4))
    return regions, aims


def box_loss(scores: torch.Tensor, deltas: torch.Tensor, regions: torch.Tensor, aims: torch.Tensor) -> torch.Tensor:
    """Cross entropy of the classes and the distance of the boxes that lie on objects (a quarter of them)."""
    count = len(scores)
    with unrecorded():
        labels = torch.zeros(count, dtype=torch.long)
        positive = torch.zeros(count // 4, dtype=torch.long)
    kind = functional.cross_entropy(scores, labels)
    wanted = deltas_to(regions.reshape(-1, 4), aims.reshape(-1, 4)).index_select(0, positive)
    own = deltas.view(count, -1, 4)[positive, positive]
    return kind + functional.smooth_l1_loss(own, wanted, reduction="sum", beta=0.1) / count


def detections(
    probabilities: torch.Tensor, deltas: torch.Tensor, boxes: torch.Tensor, size: tuple[int, int]
) -> torch.Tensor:
    """The detections [images, 100, 4] among regions [images, n, 4], from class probabilities and movements."""
    images = len(boxes)
    moves = moved(deltas, boxes.reshape(-1, 4))
    torch.isfinite(moves).all()
    torch.isfinite(probabilities).all()
    every = clipped(moves.view(images, -1, 4), *size)
    (probabilities[:, :-1] > 0.05).sum()
    with unrecorded():
        index = torch.zeros(images, _CANDIDATES, dtype=torch.long)
    found = every.gather(1, (index % every.shape[1])[..., None].expand(-1, -1, 4))
    values = probabilities[:, :-1].reshape(images, -1).gather(1, index)
    kept = nms(found + found.amax(-1, keepdim=True), values, DETECTIONS)
    return found.gather(1, kept[..., None].expand(-1, -1, 4))


def mask_loss(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Cross entropy of the masks of the true classes."""
    count, _, side, _ = logits.shape
    with unrecorded():
        own = torch.zeros(count, dtype=torch.long)
        targets = torch.zeros(count, side, side)
    return functional.binary_cross_entropy_with_logits(logits[own, own], targets)


def pasted(logits: torch.Tensor, boxes: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Masks [n, height, width] of the whole image from masks [n, classes, 28, 28] in boxes [n, 4]."""
    count = len(logits)
    with unrecorded():
        own = torch.zeros(count, dtype=torch.long)
    masks = logits.sigmoid()[own, own][:, None]
    x0, y0, x1, y1 = torch.split(boxes, 1, 1)
    rows = torch.arange(0, size[0], dtype=torch.float32) + 0.5
    columns = torch.arange(0, size[1], dtype=torch.float32) + 0.5
    rows = (rows - y0) / (y1 - y0) * 2 - 1
    columns = (columns - x0) / (x1 - x0) * 2 - 1
    across = columns[:, None, :].expand(count, size[0], size[1])
    down = rows[:, :, None].expand(count, size[0], size[1])
    grid = torch.stack((across, down), 3)
    return functional.grid_sample(masks, grid, align_corners=False)[:, 0] >= 0.5
