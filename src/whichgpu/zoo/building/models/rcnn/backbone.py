"""Backbones of detectron2: ResNets whose batch norms are frozen, with deformable convolutions, and feature pyramids."""

from __future__ import annotations

from typing import Final

import torch
from torch import nn
from torch.nn import functional

from whichgpu.capturing.libraries import shapes_only, torchvision
from whichgpu.zoo.building.kernels import deformable_columns
from whichgpu.zoo.building.models.rcnn.design import Design

_BLOCKS: Final = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


class FrozenNorm(nn.Module):
    """A batch norm with fixed statistics and weights: in training a product and a sum, else the library's kernel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for name in ("weight", "bias", "mean", "variance"):
            self.register_buffer(name, torch.ones(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width] normalised."""
        if not x.requires_grad:
            return functional.batch_norm(x, self.mean, self.variance, self.weight, self.bias, False, 0.1, 1e-5)
        scale = self.weight * (self.variance + 1e-5).rsqrt()
        shift = self.bias - self.mean * scale
        return x * scale.reshape(1, -1, 1, 1) + shift.reshape(1, -1, 1, 1)


def normed(kind: str, channels: int) -> nn.Module:
    """A norm by its kind; nothing for an empty one."""
    if kind == "frozen":
        return FrozenNorm(channels)
    if kind == "group":
        return nn.GroupNorm(32, channels)
    return nn.BatchNorm2d(channels) if kind == "batch" else nn.Identity()


class Conv(nn.Module):
    """A convolution, its norm, and a rectifier where asked."""

    def __init__(
        self,
        channels: int,
        width: int,
        kernel: int = 3,
        stride: int = 1,
        *,
        norm: str = "",
        groups: int = 1,
        dilation: int = 1,
        rectified: bool = True,
    ) -> None:
        super().__init__()
        padding = kernel // 2 * dilation
        self.inner = nn.Conv2d(channels, width, kernel, stride, padding, dilation, groups, bias=not norm)
        self.norm = normed(norm, width)
        self.rectified = rectified

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width] convolved."""
        y = self.norm(self.inner(x))
        return functional.relu_(y) if self.rectified else y


class DeformableConv(nn.Module):
    """A 3x3 convolution that samples where a second convolution says."""

    def __init__(self, channels: int, width: int, stride: int, *, norm: str, groups: int) -> None:
        super().__init__()
        self.offsets = nn.Conv2d(channels, 18, 3, stride, 1)
        self.weight = nn.Parameter(torch.empty(groups, width // groups, channels // groups * 9))
        self.norm = normed(norm, width)
        self.groups = groups

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width] convolved."""
        offsets = self.offsets(x)
        images, _, rows, columns = offsets.shape
        sampled = deformable_columns(x, offsets, 3)
        sampled = sampled.view(images, self.groups, -1, rows * columns)
        y = torch.matmul(self.weight, sampled).view(images, -1, rows, columns)
        return functional.relu_(self.norm(y))


class Bottleneck(nn.Module):
    """A residual block; the stride is in its first convolution in the original models, else in the 3x3."""

    def __init__(self, channels: int, width: int, depth: int, stride: int, design: Design, stage: int) -> None:
        super().__init__()
        norm, early = design.norm, design.early_stride
        dilation = 2 if design.style == "dc5" and stage == 5 else 1
        if dilation == 2:
            stride = 1
        first, second = (stride, 1) if early else (1, stride)
        self.short: nn.Module = nn.Identity()
        if channels != depth:
            self.short = Conv(channels, depth, 1, stride, norm=norm, rectified=False)
        middle: nn.Module = Conv(width, width, 3, second, norm=norm, groups=design.groups, dilation=dilation)
        if stage in design.deformable:
            middle = DeformableConv(width, width, second, norm=norm, groups=design.groups)
        last = Conv(width, depth, 1, norm=norm, rectified=False)
        self.body = nn.Sequential(Conv(channels, width, 1, first, norm=norm), middle, last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width] and what the block adds to them."""
        y = self.body(x)
        y += self.short(x)
        return functional.relu_(y)


def stage_of(design: Design, stage: int) -> nn.Sequential:
    """A stage of the ResNet, 2 to 5."""
    depth = 256 << (stage - 2)
    width = (design.groups * design.group_width) << (stage - 2)
    blocks = []
    channels = 64 if stage == 2 else depth // 2
    for block in range(_BLOCKS[design.depth][stage - 2]):
        stride = 2 if stage > 2 and not block else 1
        blocks.append(Bottleneck(channels, width, depth, stride, design, stage))
        channels = depth
    return nn.Sequential(*blocks)


class ResNet(nn.Module):
    """Stem and stages; gives the maps that the style pools from: res4 (c4), res5 (dc5) or res2 to res5 (fpn)."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.stem = Conv(3, 64, 7, 2, norm=design.norm)
        last = 4 if design.style == "c4" else 5
        self.stages = nn.ModuleList(stage_of(design, stage) for stage in range(2, last + 1))
        self.all = design.style == "fpn"
        for part in [self.stem, *self.stages][: design.frozen_stages]:
            part.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Maps of images [batch, 3, height, width]."""
        x = functional.max_pool2d(self.stem(x), 3, 2, 1)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps if self.all else maps[-1:]


class TimmBackbone(nn.Module):
    """A network of timm as a backbone, all of it trained."""

    def __init__(self, name: str) -> None:
        super().__init__()
        torchvision()
        import timm

        self.inner = shapes_only(lambda: timm.create_model(name, features_only=True, out_indices=(1, 2, 3, 4)))
        self.widths = tuple(self.inner.feature_info.channels())

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Maps of images [batch, 3, height, width]."""
        return list(self.inner(x))


class Pyramid(nn.Module):
    """A feature pyramid (Lin 2017): maps of 256 channels at strides 4 to 64."""

    def __init__(self, widths: tuple[int, ...], norm: str) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(Conv(width, 256, 1, norm=norm, rectified=False) for width in widths)
        self.output = nn.ModuleList(Conv(256, 256, 3, norm=norm, rectified=False) for _ in widths)

    def forward(self, maps: list[torch.Tensor]) -> list[torch.Tensor]:
        """Maps p2 to p6 of res2 to res5."""
        top = self.lateral[-1](maps[-1])
        found = [self.output[-1](top)]
        for x, lateral, output in zip(maps[-2::-1], self.lateral[-2::-1], self.output[-2::-1], strict=True):
            top = lateral(x) + functional.interpolate(top, scale_factor=2.0, mode="nearest")
            found.insert(0, output(top))
        return [*found, functional.max_pool2d(found[-1], 1, 2)]
