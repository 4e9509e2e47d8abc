"""The generator of StyleGAN3 (Karras 2021), configuration T or R: Fourier features and filtered activations."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn
from torch.nn import functional

from whichgpu.zoo.building.models.filtering import filtered_activation
from whichgpu.zoo.building.models.style_gan import (
    FP16_RESOLUTIONS,
    LATENT,
    Dense,
    Mapping,
    demodulation,
    full_precision,
)

_LAYERS: Final = 14
_CRITICAL: Final = 2
_MARGIN: Final = 10
_TAPS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One layer's sampling rate, size in pixels with its margin, and features."""

    rate: int
    size: int
    features: int


def rates(resolution: int, base: int, most: int) -> list[Rate]:
    """The layers' sizes by the geometric progression of cutoffs (section 3.2 of the paper)."""
    last, stop = resolution / 2, resolution / 2 * 2**0.3
    found = []
    for index in range(_LAYERS + 1):
        share = min(index / (_LAYERS - _CRITICAL), 1.0)
        cutoff = 2 * (last / 2) ** share
        stopband = 2**2.1 * (stop / 2**2.1) ** share
        rate = 2 ** math.ceil(math.log2(min(stopband * 2, resolution)))
        wide = rate + 2 * _MARGIN if index < _LAYERS - 1 else resolution
        found.append(Rate(rate=rate, size=wide, features=round(min(base / 2 / cutoff, most))))
    return [*found[:-1], Rate(rate=found[-1].rate, size=resolution, features=3)]


class _Layer(nn.Module):
    """A modulated convolution and an activation at a higher rate; the last one makes colours."""

    def __init__(self, below: Rate, here: Rate, *, kernel: int, last: bool, half: bool) -> None:
        super().__init__()
        self.style = Dense(LATENT, below.features)
        kernel = 1 if last else kernel
        self.weight = nn.Parameter(torch.empty(here.features, below.features, kernel, kernel))
        self.bias = nn.Parameter(torch.empty(here.features))
        self.register_buffer("magnitude", torch.empty(()))
        inner = max(below.rate, here.rate) * (1 if last else 2)
        up, down = inner // below.rate, inner // here.rate
        # Taps an output element: separable filters up and down over the inner elements that stand behind it.
        self.taps = 1 if last else down * down * (2 * _TAPS + 2 * _TAPS * down // max(up, 1))
        self.size, self.last, self.half = here.size, last, half

    def forward(self, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """Features [batch, outputs, size, size]."""
        with contextlib.nullcontext() if self.half else full_precision():
            styles = self.style(style)
            weight = self.weight
            if not self.last:
                weight = weight * weight.square().mean([1, 2, 3], keepdim=True).rsqrt()
                styles = styles * styles.square().mean().rsqrt()
                factors = demodulation(weight, styles).reshape(len(x), -1, 1, 1)
            x = x * (styles * self.magnitude.rsqrt()).reshape(len(x), -1, 1, 1)
            x = functional.conv2d(x, weight, padding=weight.shape[-1] - 1)
            if not self.last:
                x = _demodulated(x, factors)
            return filtered_activation(x, self.bias, (self.size, self.size), self.taps)


class _Demodulated(torch.autograd.Function):
    """Factors that a grouped convolution has in its weights: no pass over the features is their own."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
        ctx.shape = factors.shape
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return gradients[0], gradients[0].new_zeros(ctx.shape)


def _demodulated(x: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    y: torch.Tensor = _Demodulated.apply(x, factors)
    return y


class Generator3(nn.Module):
    """Latents to images; ``kernel`` 3 is configuration T, 1 with twice the features is R."""

    def __init__(self, resolution: int, base: int, most: int, kernel: int, mapping: int = 2) -> None:
        super().__init__()
        plan = rates(resolution, base, most)
        self.plan = plan
        self.mapping = Mapping(mapping)
        self.frequencies = nn.Buffer(torch.empty(plan[0].features, 2))
        self.phases = nn.Buffer(torch.empty(plan[0].features))
        self.first = nn.Parameter(torch.empty(plan[0].features, plan[0].features))
        self.turn = Dense(LATENT, 4)
        self.layers = nn.ModuleList(
            _Layer(
                plan[max(index - 1, 0)],
                here,
                kernel=kernel,
                last=index == _LAYERS,
                half=here.rate * 2**FP16_RESOLUTIONS > resolution,
            )
            for index, here in enumerate(plan)
        )

    def styles(self, z: torch.Tensor) -> torch.Tensor:
        """A style for each layer and the input, [batch, layers, 512], some of them of a second latent."""
        count = _LAYERS + 2
        made = self.mapping(z).unsqueeze(1).repeat(1, count, 1)
        if not self.training:
            return made
        other = self.mapping(torch.randn_like(z)).unsqueeze(1).repeat(1, count, 1)
        return torch.cat([made[:, :2], other[:, 2:]], dim=1)

    def waves(self, style: torch.Tensor) -> torch.Tensor:
        """Fourier features [batch, features, size, size], turned and shifted by a style."""
        with full_precision():
            return self._waves(style)

    def _waves(self, style: torch.Tensor) -> torch.Tensor:
        batch, size = len(style), self.plan[0].size
        turn = self.turn(style)
        matrix = turn.reshape(batch, 2, 2)
        frequencies = self.frequencies.unsqueeze(0) @ matrix
        phases = self.phases.unsqueeze(0) + (self.frequencies.unsqueeze(0) @ turn[:, 2:].unsqueeze(2)).squeeze(2)
        grid = functional.affine_grid(torch.eye(2, 3).unsqueeze(0), [1, 1, size, size], align_corners=False)
        x = (grid.unsqueeze(3) @ frequencies.permute(0, 2, 1).unsqueeze(1).unsqueeze(2)).squeeze(3)
        x = torch.sin((x + phases.unsqueeze(1).unsqueeze(2)) * (2 * math.pi))
        return (x @ (self.first / math.sqrt(self.first.shape[0])).t()).permute(0, 3, 1, 2)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Images [batch, 3, h, w] of latents [batch, 512]."""
        return self.synthesis(self.styles(z))

    def synthesis(self, styles: torch.Tensor) -> torch.Tensor:
        """Images [batch, 3, h, w] of styles."""
        x = self.waves(styles[:, 0])
        for number, layer in enumerate(self.layers):
            x = layer(x, styles[:, number + 1])
        return x * 0.25
