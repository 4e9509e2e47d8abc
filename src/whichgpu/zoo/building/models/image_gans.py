"""Image-to-image and noise-to-image networks of classic GANs."""

from __future__ import annotations

import itertools
from typing import Final

import torch
from torch import nn


def perceptron(*widths: int, slope: float = 0.2, last: nn.Module | None = None) -> nn.Sequential:
    """Dense layers with leaky ReLUs between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(slope, inplace=True)]
    layers.pop()
    return nn.Sequential(*layers, *([] if last is None else [last]))


def dcgan_generator(width: int = 64, latent: int = 100) -> nn.Sequential:
    """Noise [batch, 100, 1, 1] to 64x64 images (Radford 2015; PyTorch's DCGAN example)."""
    layers: list[nn.Module] = []
    channels = latent
    for index, factor in enumerate((8, 4, 2, 1)):
        stride, padding = (1, 0) if index == 0 else (2, 1)
        layers.append(nn.ConvTranspose2d(channels, width * factor, 4, stride, padding, bias=False))
        layers += [nn.BatchNorm2d(width * factor), nn.ReLU(inplace=True)]
        channels = width * factor
    return nn.Sequential(*layers, nn.ConvTranspose2d(channels, 3, 4, 2, 1, bias=False), nn.Tanh())


def dcgan_critic(width: int = 64, *, norm: bool = True) -> nn.Sequential:
    """64x64 images to one score; WGAN-GP leaves out batch norm (Gulrajani 2017)."""
    layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
    for factor in (2, 4, 8):
        layers.append(nn.Conv2d(width * factor // 2, width * factor, 4, 2, 1, bias=False))
        layers += [nn.BatchNorm2d(width * factor)] if norm else []
        layers.append(nn.LeakyReLU(0.2, inplace=True))
    return nn.Sequential(*layers, nn.Conv2d(width * 8, 1, 4, 1, 0, bias=False), nn.Flatten(0))


class _Skip(nn.Module):
    """A level of the U-Net: down, the level below, up, beside its own input."""

    def __init__(
        self, inner: int, outer: int, below: nn.Module | None, *, drop: bool = False, first: bool = False
    ) -> None:
        super().__init__()
        inputs = 3 if first else outer
        down: list[nn.Module] = [nn.Conv2d(inputs, inner, 4, 2, 1, bias=False)]
        if not first:
            down.insert(0, nn.LeakyReLU(0.2))
        if below is not None and not first:
            down.append(nn.BatchNorm2d(inner))
        wide = inner if below is None else 2 * inner
        up: list[nn.Module] = [nn.ReLU(), nn.ConvTranspose2d(wide, 3 if first else outer, 4, 2, 1, bias=first)]
        up += [nn.Tanh()] if first else [nn.BatchNorm2d(outer)]
        up += [nn.Dropout(0.5)] if drop else []
        self.whole = nn.Sequential(*down, *([] if below is None else [below]), *up)
        self.first = first

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The level's output, with its input as further channels unless it is the first."""
        y: torch.Tensor = self.whole(x)
        return y if self.first else torch.cat([x, y], 1)


def pix2pix_generator(width: int = 64) -> nn.Module:
    """A U-Net of eight levels for 256x256 images (Isola 2016): 54.4 M parameters."""
    level: nn.Module = _Skip(8 * width, 8 * width, None)
    for _ in range(3):
        level = _Skip(8 * width, 8 * width, level, drop=True)
    for factor in (4, 2, 1):
        level = _Skip(2 * factor * width, factor * width, level)
    return _Skip(width, 3, level, first=True)


def patch_critic(inputs: int, width: int = 64, norm: type[nn.Module] = nn.BatchNorm2d) -> nn.Sequential:
    """Scores of 70x70 patches (Isola 2016)."""
    bias = norm is nn.InstanceNorm2d
    layers: list[nn.Module] = [nn.Conv2d(inputs, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
    for below, here, stride in ((1, 2, 2), (2, 4, 2), (4, 8, 1)):
        layers.append(nn.Conv2d(width * below, width * here, 4, stride, 1, bias=bias))
        layers += [norm(width * here), nn.LeakyReLU(0.2, inplace=True)]
    return nn.Sequential(*layers, nn.Conv2d(width * 8, 1, 4, 1, 1))


class _Residual(nn.Module):
    """Two reflected 3x3 convolutions beside their input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        part = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width)]
        again = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width)]
        self.body = nn.Sequential(*part, nn.ReLU(inplace=True), *again)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features of the same size."""
        y: torch.Tensor = x + self.body(x)
        return y


def cyclegan_generator(width: int = 64, blocks: int = 9) -> nn.Sequential:
    """A residual network between two strided and two transposed convolutions (Zhu 2017): 11.4 M parameters."""
    layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, width, 7), nn.InstanceNorm2d(width), nn.ReLU(True)]
    for factor in (1, 2):
        layers.append(nn.Conv2d(width * factor, 2 * width * factor, 3, stride=2, padding=1))
        layers += [nn.InstanceNorm2d(2 * width * factor), nn.ReLU(True)]
    layers += [_Residual(4 * width) for _ in range(blocks)]
    for factor in (2, 1):
        layers.append(nn.ConvTranspose2d(2 * width * factor, width * factor, 3, 2, 1, output_padding=1))
        layers += [nn.InstanceNorm2d(width * factor), nn.ReLU(True)]
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh())


class _SuperBlock(nn.Module):
    """A residual block of SRResNet."""

    def __init__(self, width: int) -> None:
        super().__init__()
        first = [nn.Conv2d(width, width, 3, 1, 1), nn.BatchNorm2d(width), nn.PReLU()]
        self.body = nn.Sequential(*first, nn.Conv2d(width, width, 3, 1, 1), nn.BatchNorm2d(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features of the same size."""
        y: torch.Tensor = x + self.body(x)
        return y


class SuperResolution(nn.Module):
    """SRResNet, the generator of SRGAN (Ledig 2016): images at four times their size."""

    def __init__(self, width: int = 64, blocks: int = 16) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, width, 9, 1, 4), nn.PReLU())
        body = [_SuperBlock(width) for _ in range(blocks)]
        self.body = nn.Sequential(*body, nn.Conv2d(width, width, 3, 1, 1), nn.BatchNorm2d(width))
        grow = [
            part for _ in range(2) for part in (nn.Conv2d(width, 4 * width, 3, 1, 1), nn.PixelShuffle(2), nn.PReLU())
        ]
        self.last = nn.Sequential(*grow, nn.Conv2d(width, 3, 9, 1, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, 3, 4h, 4w]."""
        first = self.first(x)
        y: torch.Tensor = self.last(first + self.body(first))
        return y


_WIDTHS: Final = (64, 64, 128, 128, 256, 256, 512, 512)


def super_resolution_critic(size: int = 96) -> nn.Sequential:
    """The discriminator of SRGAN: eight convolutions and two dense layers."""
    layers: list[nn.Module] = []
    channels = 3
    for index, width in enumerate(_WIDTHS):
        layers.append(nn.Conv2d(channels, width, 3, 1 + index % 2, 1))
        layers += [nn.BatchNorm2d(width)] if index else []
        layers.append(nn.LeakyReLU(0.2, inplace=True))
        channels = width
    flat = 512 * (size // 16) ** 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(flat, 1024), nn.LeakyReLU(0.2), nn.Linear(1024, 1))
