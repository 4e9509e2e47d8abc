"""The parts that StyleGAN2 and 3 share (Karras 2019, 2020, 2021): mapping, modulation, discriminator, augmentation."""

from __future__ import annotations

import contextlib
import math
from typing import Final

import torch
from torch import nn
from torch.nn import functional

from whichgpu.zoo.building.models.filtering import activated, resampled
from whichgpu.zoo.building.steps import marked

LATENT: Final = 512
FP16_RESOLUTIONS: Final = 4
"""The largest resolutions, which run in half precision; the others stay in FP32."""


def full_precision() -> contextlib.AbstractContextManager[None]:
    """Within, everything runs in FP32: the mapping, low resolutions, pictures and their augmentation."""
    return marked(precision="fp32")


def single(resolution: int, largest: int) -> contextlib.AbstractContextManager[None]:
    """Within, operators run in half precision at the largest resolutions and in FP32 at the others."""
    half = resolution >= max(largest >> (FP16_RESOLUTIONS - 1), 8)
    return marked(precision="half") if half else full_precision()


def channels(resolution: int, base: int, most: int = 512) -> int:
    """Features at a resolution."""
    return min(base // resolution, most)


class Dense(nn.Module):
    """A fully connected layer whose weight is scaled when it runs."""

    def __init__(self, inputs: int, outputs: int, *, active: bool = False, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None
        self.active, self.gain = active, 1 / math.sqrt(inputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Outputs [batch, outputs] of inputs [batch, inputs]."""
        weight = (self.weight * self.gain).t()
        if self.bias is None:
            return x.matmul(weight)
        if self.active:
            return activated(x.matmul(weight), self.bias)
        return torch.addmm(self.bias.unsqueeze(0), x, weight)


class Mapping(nn.Module):
    """Latents to styles, and the running mean of styles."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Dense(LATENT, LATENT, active=True) for _ in range(layers))
        self.register_buffer("mean", torch.empty(LATENT))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Styles [batch, 512] of latents of that shape."""
        with full_precision():
            x = z * (z.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()
            for layer in self.layers:
                x = layer(x)
            if self.training:
                x.detach().mean(dim=0).lerp(self.mean, 0.998)
        return x


def demodulation(weight: torch.Tensor, styles: torch.Tensor) -> torch.Tensor:
    """Factors [batch, outputs] that keep the features' size; the styled weights are made for each sample."""
    styled = weight.unsqueeze(0) * styles.reshape(len(styles), 1, -1, 1, 1)
    return (styled.square().sum(dim=[2, 3, 4]) + 1e-8).rsqrt()


class _Convolution(nn.Module):
    """A convolution of the discriminator; downsampling filters first."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, down: int = 1, active: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.empty(outputs)) if active else None
        self.down, self.kernel = down, kernel

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features [batch, outputs, h / down, w / down]."""
        weight = self.weight * 0.1
        size = x.shape[2]
        if self.down == 2 and self.kernel == 1:
            x = functional.conv2d(resampled(x, (size // 2, size // 2)), weight)
        elif self.down == 2:
            x = functional.conv2d(resampled(x, (size + 1, size + 1)), weight, stride=2)
        else:
            x = functional.conv2d(x, weight, padding=self.kernel // 2)
        return x * 1.0 if self.bias is None else activated(x, self.bias)


class Discriminator(nn.Module):
    """Residual blocks down to 4x4, the spread over images, and two dense layers."""

    def __init__(self, resolution: int, base: int) -> None:
        super().__init__()
        self.resolution = resolution
        self.sizes = [resolution >> step for step in range(int(math.log2(resolution)) - 2)]
        self.picture = _Convolution(3, channels(resolution, base), 1)
        self.blocks = nn.ModuleList()
        for size in self.sizes:
            wide, above = channels(size, base), channels(size // 2, base)
            first, second = _Convolution(wide, wide, 3), _Convolution(wide, above, 3, down=2)
            self.blocks.append(nn.ModuleList([first, second, _Convolution(wide, above, 1, down=2, active=False)]))
        last = channels(4, base)
        self.last = _Convolution(last + 1, last, 3)
        self.dense = Dense(16 * last, last, active=True)
        self.out = Dense(last, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores [batch, 1] of images [batch, 3, h, w]."""
        x = self.picture(images)
        for size, block in zip(self.sizes, self.blocks, strict=True):
            first, second, skip = list(block)
            with single(size, self.resolution):
                x = second(first(x)).add_(skip(x))
        with full_precision():
            x = self.last(torch.cat([x, _spread(x)], dim=1))
            return self.out(self.dense(x.flatten(1)))


def _spread(x: torch.Tensor) -> torch.Tensor:
    """The standard deviation over images as one more feature; over the batch, which costs what groups of four do."""
    centred = x - x.mean(dim=0, keepdim=True)
    spread = (centred.square().mean(dim=0) + 1e-8).sqrt().mean().reshape(1, 1, 1, 1)
    return spread.repeat(len(x), 1, x.shape[2], x.shape[3])


_GEOMETRIC: Final = 7
_COLOURS: Final = 5


def augmented(images: torch.Tensor) -> torch.Tensor:
    """Images under StyleGAN2-ADA's geometric and colour transforms, which run whatever their probability is."""
    with full_precision():
        return _augmented(images)


def _augmented(images: torch.Tensor) -> torch.Tensor:
    batch, _, height, width = images.shape
    geometry = _transforms(batch, 3, _GEOMETRIC)
    # Each image is padded as the furthest of the batch needs, by its own size at most. Of batches of 4 to 32 that are
    # transformed with probabilities of 0.2 to 0.6 one in 30 to 1000 needs four times the area or more; the mean is 1.6
    # to 3.8 (drawn from the distributions of training/augment.py).
    down, across = height // 2, width // 2
    padded = functional.pad(images, [across, across, down, down], mode="reflect")
    doubled = resampled(padded, (4 * height, 4 * width), taps=12)
    size = (2 * height + 12, 2 * width + 12)
    grid = functional.affine_grid(geometry[:, :2], [batch, 3, *size], align_corners=False)
    turned = functional.grid_sample(doubled, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    back = resampled(turned, (height, width), taps=12)
    colours = _transforms(batch, 4, _COLOURS)
    flat = colours[:, :3, :3] @ back.reshape(batch, 3, -1) + colours[:, :3, 3:]
    return flat.reshape(images.shape)


def _transforms(batch: int, size: int, count: int) -> torch.Tensor:
    """A product of random matrices [batch, size, size]: each drawn, chosen or not, and built from its entries."""
    total = torch.eye(size).repeat(batch, 1, 1)
    for _ in range(count):
        drawn = torch.where(torch.rand(batch) < 0.5, torch.randn(batch).mul(0.2).exp2(), torch.ones(batch))
        entries = [drawn.sin(), drawn.cos(), *[torch.zeros(batch) for _ in range(size * size - 2)]]
        total = total @ torch.stack(entries, dim=-1).reshape(batch, size, size)
    return total
