"""YOLO networks of every version and size, from the parts in ``yolo``."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from whichgpu.zoo.building.models.yolo import (
    C3,
    AnchorHead,
    Attended,
    Bottleneck,
    C2f,
    Conv,
    DecoupledHead,
    DistributionHead,
    Neck,
    Network,
    Pooled,
    raised,
)

Scale = tuple[float, float, int]
"""Multiples of depth and width, and the widest layer before the multiple."""


def _counts(depth: float) -> Callable[[int], int]:
    return lambda count: max(round(count * depth), 1)


def _widths(width: float, widest: int) -> Callable[[int], int]:
    # Widths are multiples of eight.
    return lambda channels: -int(-min(channels, widest) * width // 8) * 8


def version5(scale: Scale) -> nn.Module:
    """YOLOv5 6.0 (Jocher 2021)."""
    n, w = _counts(scale[0]), _widths(scale[1], scale[2])
    a, b, c, d, e = (w(channels) for channels in (64, 128, 256, 512, 1024))
    backbone = [Conv(3, a, 6, 2), Conv(a, b, 3, 2), C3(b, b, n(3)), Conv(b, c, 3, 2), C3(c, c, n(6))]
    backbone += [Conv(c, d, 3, 2), C3(d, d, n(9)), Conv(d, e, 3, 2), C3(e, e, n(3)), Pooled(e, e)]
    blocks = [C3(2 * d, d, n(3), short=False), C3(2 * c, c, n(3), short=False)]
    blocks += [C3(2 * c, d, n(3), short=False), C3(2 * d, e, n(3), short=False)]
    neck = Neck((c, d, e), blocks, reduced=True)
    return Network(backbone, (4, 6, 9), neck, AnchorHead((c, d, e)))


def version8(scale: Scale) -> nn.Module:
    """YOLOv8 (Jocher 2023)."""
    n, w = _counts(scale[0]), _widths(scale[1], scale[2])
    a, b, c, d, e = (w(channels) for channels in (64, 128, 256, 512, 1024))
    backbone = [Conv(3, a, 3, 2), Conv(a, b, 3, 2), C2f(b, b, n(3), short=True), Conv(b, c, 3, 2)]
    backbone += [C2f(c, c, n(6), short=True), Conv(c, d, 3, 2), C2f(d, d, n(6), short=True), Conv(d, e, 3, 2)]
    backbone += [C2f(e, e, n(3), short=True), Pooled(e, e)]
    blocks = [C2f(e + d, d, n(3)), C2f(d + c, c, n(3)), C2f(c + d, d, n(3)), C2f(d + e, e, n(3))]
    neck = Neck((c, d, e), blocks, reduced=False)
    return Network(backbone, (4, 6, 9), neck, DistributionHead((c, d, e)))


def version11(scale: Scale, nested: bool) -> nn.Module:
    """YOLO11 (Jocher 2024); the larger sizes are ``nested`` everywhere."""
    n, w = _counts(scale[0]), _widths(scale[1], scale[2])
    a, b, c, d, e = (w(channels) for channels in (64, 128, 256, 512, 1024))

    def block(channels: int, width: int, share: float = 0.5, deep: bool = False) -> nn.Module:
        return C2f(channels, width, n(2), short=True, share=share, inner=0.5, nested=nested or deep)

    backbone = [Conv(3, a, 3, 2), Conv(a, b, 3, 2), block(b, c, 0.25), Conv(c, c, 3, 2), block(c, d, 0.25)]
    backbone += [Conv(d, d, 3, 2), block(d, d, deep=True), Conv(d, e, 3, 2), block(e, e, deep=True), Pooled(e, e)]
    backbone += [Attended(e, n(2))]
    blocks = [block(e + d, d), block(d + d, c), block(c + d, d), block(d + e, e, deep=True)]
    neck = Neck((c, d, e), blocks, reduced=False)
    return Network(backbone, (4, 6, 10), neck, DistributionHead((c, d, e), separable=True))


class _Sliced(nn.Module):
    """YOLOX's stem: every second pixel in both directions becomes a channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = Conv(12, width, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, 3, height, width] at half the size."""
        parts = [x[..., i::2, j::2] for i, j in ((0, 0), (1, 0), (0, 1), (1, 1))]
        return self.inner(torch.cat(parts, 1))


class _PooledAtOnce(nn.Module):
    """Spatial pyramid pooling with kernels 5, 9 and 13 side by side."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.last = Conv(width, width // 2), Conv(2 * width, width)
        self.pools = nn.ModuleList(nn.MaxPool2d(size, 1, size // 2) for size in (5, 9, 13))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width]."""
        x = self.first(x)
        return self.last(torch.cat([x, *(pool(x) for pool in self.pools)], 1))


def yolox(scale: Scale) -> nn.Module:
    """YOLOX (Ge 2021)."""
    n, w = _counts(scale[0]), _widths(scale[1], scale[2])
    a, b, c, d, e = (w(channels) for channels in (64, 128, 256, 512, 1024))
    backbone = [_Sliced(a), Conv(a, b, 3, 2), C3(b, b, n(3)), Conv(b, c, 3, 2), C3(c, c, n(9)), Conv(c, d, 3, 2)]
    backbone += [C3(d, d, n(9)), Conv(d, e, 3, 2), _PooledAtOnce(e), C3(e, e, n(3), short=False)]
    blocks = [C3(2 * d, d, n(3), short=False), C3(2 * c, c, n(3), short=False)]
    blocks += [C3(2 * c, d, n(3), short=False), C3(2 * d, e, n(3), short=False)]
    neck = Neck((c, d, e), blocks, reduced=True)
    return Network(backbone, (4, 6, 9), neck, DecoupledHead((c, d, e), w(256)))


class _Pyramid3(nn.Module):
    """The neck of version 3: from the largest stride to the smallest, without a way back."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies = nn.ModuleList([self._body(1024, 512), self._body(768, 256), self._body(384, 128)])
        self.outputs = nn.ModuleList(Conv(width // 2, width, 3) for width in (1024, 512, 256))
        self.narrowed = nn.ModuleList([Conv(512, 256), Conv(256, 128)])

    @staticmethod
    def _body(channels: int, width: int) -> nn.Sequential:
        layers = [Conv(channels, width), Conv(width, 2 * width, 3), Conv(2 * width, width)]
        return nn.Sequential(*layers, Conv(width, 2 * width, 3), Conv(2 * width, width))

    def forward(self, maps: list[torch.Tensor]) -> list[torch.Tensor]:
        """Maps at strides 8, 16 and 32."""
        found = []
        x = self.bodies[0](maps[2])
        found.append(self.outputs[0](x))
        for step in (1, 2):
            x = torch.cat((raised(self.narrowed[step - 1](x)), maps[2 - step]), 1)
            x = self.bodies[step](x)
            found.append(self.outputs[step](x))
        return found[::-1]


def version3() -> nn.Module:
    """YOLOv3 on Darknet-53 (Redmon and Farhadi 2018)."""
    backbone: list[nn.Module] = [Conv(3, 32, 3)]
    channels = 32
    for count in (1, 2, 8, 8, 4):
        blocks = [Bottleneck(2 * channels, channels, short=True, kernels=(1, 3)) for _ in range(count)]
        backbone.append(nn.Sequential(Conv(channels, 2 * channels, 3, 2), *blocks))
        channels *= 2
    return Network(backbone, (3, 4, 5), _Pyramid3(), AnchorHead((256, 512, 1024)))
