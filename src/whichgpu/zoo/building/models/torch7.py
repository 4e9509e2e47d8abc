"""The networks that jcjohnson/cnn-benchmarks runs in Torch7, from Caffe, fb.resnet.torch, inception.torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import nn
from torch.nn import functional

from whichgpu.zoo.building.kernels import local_response_norm


class LocalResponseNorm(nn.Module):
    """Local response normalisation across channels, one kernel of the library."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width] normalised."""
        return local_response_norm(x)


def _conv(channels: int, width: int, kernel: int, stride: int = 1, padding: int = 0, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, width, kernel, stride, padding, groups=groups), nn.ReLU(inplace=True))


def _classifier(width: int) -> list[nn.Module]:
    return [
        nn.Flatten(),
        *(nn.Linear(width, 4096), nn.ReLU(inplace=True), nn.Dropout(0.5)),
        *(nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(0.5)),
        *(nn.Linear(4096, 1000), nn.Softmax(1)),
    ]


def alexnet() -> nn.Module:
    """AlexNet as Caffe's bvlc_alexnet: two columns by grouped convolutions, with local response normalisation."""
    pools = [nn.MaxPool2d(3, 2, ceil_mode=True) for _ in range(3)]  # Caffe rounds up
    return nn.Sequential(
        *(_conv(3, 96, 11, 4), LocalResponseNorm(), pools[0]),
        *(_conv(96, 256, 5, 1, 2, groups=2), LocalResponseNorm(), pools[1]),
        _conv(256, 384, 3, 1, 1),
        _conv(384, 384, 3, 1, 1, groups=2),
        *(_conv(384, 256, 3, 1, 1, groups=2), pools[2]),
        *_classifier(256 * 6 * 6),
    )


def vgg(depths: Sequence[int]) -> nn.Module:
    """VGG with so many convolutions before each pool (Simonyan and Zisserman 2014)."""
    layers: list[nn.Module] = []
    channels = 3
    for width, depth in zip((64, 128, 256, 512, 512), depths, strict=True):
        for _ in range(depth):
            layers.append(_conv(channels, width, 3, 1, 1))
            channels = width
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers, *_classifier(512 * 7 * 7))


class Inception(nn.Module):
    """An inception module: 1x1, reduced 3x3, reduced 5x5, and pooled columns side by side."""

    def __init__(self, channels: int, one: int, three: tuple[int, int], five: tuple[int, int], pooled: int) -> None:
        super().__init__()
        self.columns = nn.ModuleList(
            [
                _conv(channels, one, 1),
                nn.Sequential(_conv(channels, three[0], 1), _conv(three[0], three[1], 3, 1, 1)),
                nn.Sequential(_conv(channels, five[0], 1), _conv(five[0], five[1], 5, 1, 2)),
                nn.Sequential(nn.MaxPool2d(3, 1, 1), _conv(channels, pooled, 1)),
            ]
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width] through every column."""
        return torch.cat([column(x) for column in self.columns], 1)


def googlenet() -> nn.Module:
    """Inception-v1 of soumith/inception.torch: without the two heads of training, 1008 outputs."""
    return nn.Sequential(
        *(_conv(3, 64, 7, 2, 3), nn.MaxPool2d(3, 2, 1)),
        *(_conv(64, 64, 1), _conv(64, 192, 3, 1, 1), nn.MaxPool2d(3, 2, 1)),
        Inception(192, 64, (96, 128), (16, 32), 32),
        Inception(256, 128, (128, 192), (32, 96), 64),
        nn.MaxPool2d(3, 2),
        Inception(480, 192, (96, 204), (16, 48), 64),
        Inception(508, 160, (112, 224), (24, 64), 64),
        Inception(512, 128, (128, 256), (24, 64), 64),
        Inception(512, 112, (144, 288), (32, 64), 64),
        Inception(528, 256, (160, 320), (32, 128), 128),
        nn.MaxPool2d(3, 2, 1),
        Inception(832, 256, (160, 320), (48, 128), 128),
        Inception(832, 384, (192, 384), (48, 128), 128),
        *(nn.AvgPool2d(7, 1), nn.Flatten(), nn.Linear(1024, 1008), nn.LogSoftmax(1)),
    )


def _plain(channels: int, width: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, width, kernel, stride, kernel // 2, bias=False)


def _normalised(channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]


class Residual(nn.Module):
    """A residual block, normalised after its convolutions: three of them in a bottleneck, else two."""

    def __init__(self, channels: int, width: int, stride: int, bottleneck: bool) -> None:
        super().__init__()
        depth = 4 * width if bottleneck else width
        if bottleneck:
            body = [_plain(channels, width, 1), *_normalised(width), _plain(width, width, 3, stride)]
            body += [*_normalised(width), _plain(width, depth, 1), nn.BatchNorm2d(depth)]
        else:
            body = [_plain(channels, width, 3, stride), *_normalised(width), _plain(width, depth, 3)]
            body += [nn.BatchNorm2d(depth)]
        self.body = nn.Sequential(*body)
        self.short: nn.Module = nn.Identity()
        if channels != depth:
            self.short = nn.Sequential(_plain(channels, depth, 1, stride), nn.BatchNorm2d(depth))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width] and what the block adds to them."""
        return functional.relu_(self.body(x).add_(self.short(x)))


class PreActivated(nn.Module):
    """A bottleneck normalised before its convolutions; a projection takes the normalised input ("both")."""

    def __init__(self, channels: int, width: int, stride: int, before: str) -> None:
        super().__init__()
        depth = 4 * width
        self.both = nn.Sequential(*(_normalised(channels) if before == "both" else []))
        self.body = nn.Sequential(
            *(_normalised(channels) if before == "body" else []),
            *(_plain(channels, width, 1), *_normalised(width)),
            *(_plain(width, width, 3, stride), *_normalised(width)),
            _plain(width, depth, 1),
        )
        self.short = nn.Identity() if channels == depth else _plain(channels, depth, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width] and what the block adds to them."""
        x = self.both(x)
        return self.body(x).add_(self.short(x))


_BLOCKS: Final = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
    200: (3, 24, 36, 3),
}


def resnet(depth: int) -> nn.Module:
    """ResNet of fb.resnet.torch: the stride is in the 3x3 convolution; 200 layers are pre-activated."""
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), *_normalised(64), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for stage, count in enumerate(_BLOCKS[depth]):
        width = 64 << stage
        for block in range(count):
            stride = 2 if stage and not block else 1
            if depth == 200:
                before = "body" if block else ("both" if stage else "none")
                layers.append(PreActivated(channels, width, stride, before))
            else:
                layers.append(Residual(channels, width, stride, depth >= 50))
            channels = width if depth < 50 else 4 * width
    last = _normalised(channels) if depth == 200 else []
    return nn.Sequential(*layers, *last, nn.AvgPool2d(7, 1), nn.Flatten(), nn.Linear(channels, 1000))
