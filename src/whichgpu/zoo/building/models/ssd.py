"""SSD300 on ResNet-50 as NVIDIA/DeepLearningExamples trains it (PyTorch/Detection/SSD, ssd/model.py)."""

from __future__ import annotations

from typing import Final

import torch
from torch import nn
from torch.nn import functional

from whichgpu.capturing.libraries import torchvision_models

_WIDTHS: Final = (1024, 512, 512, 256, 256, 256)
_ANCHORS: Final = (4, 6, 6, 6, 4, 4)
_LABELS: Final = 81
ANCHORS: Final = 8732
"""Default boxes over the six feature maps."""


def _backbone() -> nn.Sequential:
    """ResNet-50 up to its third stage, which keeps the stride of the second."""
    network = torchvision_models().resnet50(weights=None)
    first = network.layer3[0]
    first.conv2.stride = first.downsample[0].stride = (1, 1)
    return nn.Sequential(*list(network.children())[:7])


def _block(channels: int, inner: int, width: int, strided: bool) -> nn.Sequential:
    last = nn.Conv2d(inner, width, 3, 2 if strided else 1, 1 if strided else 0, bias=False)
    return nn.Sequential(
        *(nn.Conv2d(channels, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.ReLU(inplace=True)),
        *(last, nn.BatchNorm2d(width), nn.ReLU(inplace=True)),
    )


class Ssd300(nn.Module):
    """The network with its loss: hard negatives are found by two sorts of the loss of all default boxes."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = _backbone()
        inner = (256, 256, 128, 128, 128)
        pairs = zip(_WIDTHS, inner, _WIDTHS[1:], strict=False)
        self.blocks = nn.ModuleList(_block(*sizes, strided=i < 3) for i, sizes in enumerate(pairs))
        kinds = list(zip(_WIDTHS, _ANCHORS, strict=True))
        self.places = nn.ModuleList(nn.Conv2d(width, 4 * count, 3, padding=1) for width, count in kinds)
        self.classes = nn.ModuleList(nn.Conv2d(width, _LABELS * count, 3, padding=1) for width, count in kinds)
        self.register_buffer("boxes", torch.zeros(1, 4, ANCHORS))

    def forward(
        self, images: torch.Tensor, boxes: torch.Tensor, labels: torch.Tensor
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """The loss in training; else places [images, 4, anchors] and class scores [images, labels, anchors]."""
        x = self.backbone(images)
        maps = [x]
        for block in self.blocks:
            x = block(x)
            maps.append(x)
        places = torch.cat([m(x).reshape(len(x), 4, -1) for m, x in zip(self.places, maps, strict=True)], 2)
        scores = torch.cat([m(x).reshape(len(x), _LABELS, -1) for m, x in zip(self.classes, maps, strict=True)], 2)
        if not self.training:
            return places, scores
        return self._loss(places, scores, boxes, labels)

    def _loss(
        self, places: torch.Tensor, scores: torch.Tensor, boxes: torch.Tensor, labels: torch.Tensor
    ) -> torch.Tensor:
        centres = 10.0 * (boxes[:, :2] - self.boxes[:, :2]) / self.boxes[:, 2:]
        sizes = 5.0 * (boxes[:, 2:] / self.boxes[:, 2:]).log()
        wanted = torch.cat((centres, sizes), 1)
        positive = labels > 0
        counts = positive.sum(1)
        place_loss = functional.smooth_l1_loss(places, wanted, reduction="none").sum(1)
        place_loss = (positive.float() * place_loss).sum(1)
        class_loss = functional.cross_entropy(scores, labels, reduction="none")
        negatives = class_loss.clone().masked_fill(positive, 0.0)
        order = negatives.sort(1, descending=True)[1]
        hard = order.sort(1)[1] < (3 * counts).clamp(max=ANCHORS).unsqueeze(-1)
        total = place_loss + (class_loss * (positive.float() + hard.float())).sum(1)
        found = counts.float().clamp(min=1e-6)
        return (total * (counts > 0).float() / found).mean(0)
