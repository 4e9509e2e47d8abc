"""The generator of StyleGAN2 (Karras 2019): modulated convolutions, noise, pictures that add up over resolutions."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from whichgpu.zoo.building.models.filtering import activated, resampled
from whichgpu.zoo.building.models.style_gan import (
    LATENT,
    Dense,
    Mapping,
    channels,
    demodulation,
    full_precision,
    single,
)


class _Layer(nn.Module):
    """A modulated 3x3 convolution, at twice the resolution where it goes ``up``, with noise."""

    def __init__(self, inputs: int, outputs: int, *, up: bool = False) -> None:
        super().__init__()
        self.style = Dense(LATENT, inputs)
        self.weight = nn.Parameter(torch.empty(outputs, inputs, 3, 3))
        self.strength = nn.Parameter(torch.empty(()))
        self.bias = nn.Parameter(torch.empty(outputs))
        self.up = up

    def forward(self, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """Features [batch, outputs, h, w]."""
        batch, _, height, _ = x.shape
        # Styles and the styled weights of every sample stay in FP32 at all resolutions.
        with full_precision():
            styles = self.style(style)
            factors = demodulation(self.weight, styles).reshape(batch, -1, 1, 1)
        x = x * styles.reshape(batch, -1, 1, 1)
        if self.up:
            x = functional.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2)
            x = resampled(x, (2 * height, 2 * height))
        else:
            x = functional.conv2d(x, self.weight, padding=1)
        noise = torch.randn(batch, 1, *x.shape[2:]) * self.strength
        return activated(torch.addcmul(noise, x, factors), self.bias)


class _Picture(nn.Module):
    """Features to colours by a modulated 1x1 convolution."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.style = Dense(LATENT, inputs)
        self.weight = nn.Parameter(torch.empty(3, inputs, 1, 1))
        self.bias = nn.Parameter(torch.empty(3))

    def forward(self, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """Colours [batch, 3, h, w]."""
        with full_precision():
            styles = self.style(style) * 0.1
        return activated(functional.conv2d(x * styles.reshape(len(x), -1, 1, 1), self.weight), self.bias)


class Generator2(nn.Module):
    """Latents to images; ``base`` features at resolution one, at most 512 anywhere."""

    def __init__(self, resolution: int, base: int, mapping: int) -> None:
        super().__init__()
        self.resolution = resolution
        self.sizes = [4 << step for step in range(int(math.log2(resolution)) - 1)]
        self.mapping = Mapping(mapping)
        self.constant = nn.Parameter(torch.empty(channels(4, base), 4, 4))
        self.layers, self.pictures = nn.ModuleList(), nn.ModuleList()
        for size in self.sizes:
            wide, below = channels(size, base), channels(size // 2, base)
            first = [] if size == 4 else [_Layer(below, wide, up=True)]
            self.layers.append(nn.ModuleList([*first, _Layer(wide, wide)]))
            self.pictures.append(_Picture(wide))

    def styles(self, z: torch.Tensor) -> torch.Tensor:
        """A style for each layer, [batch, layers, 512], some of them of a second latent (style mixing)."""
        count = 2 * len(self.sizes)
        made = self.mapping(z).unsqueeze(1).repeat(1, count, 1)
        if not self.training:
            return made
        other = self.mapping(torch.randn_like(z)).unsqueeze(1).repeat(1, count, 1)
        return torch.cat([made[:, :2], other[:, 2:]], dim=1)

    def synthesis(self, styles: torch.Tensor) -> torch.Tensor:
        """Images [batch, 3, h, w] of styles."""
        x = self.constant.unsqueeze(0).repeat(len(styles), 1, 1, 1)
        image, index = None, 0
        for size, layers, picture in zip(self.sizes, self.layers, self.pictures, strict=True):
            with single(size, self.resolution):
                for layer in layers:
                    x = layer(x, styles[:, index])
                    index += 1
                colours = picture(x, styles[:, min(index, styles.shape[1] - 1)])
            with full_precision():
                image = colours if image is None else resampled(image, (size, size)).add_(colours)
        return image

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Images [batch, 3, h, w] of latents [batch, 512]."""
        return self.synthesis(self.styles(z))
