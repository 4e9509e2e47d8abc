"""HiFi-GAN (Kong 2020), version 1: audio from mel spectrograms by transposed convolutions and residual blocks."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class _Residual(nn.Module):
    """Three pairs of convolutions, the first of each dilated, each pair with a residual."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.first = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, padding=dilation * (kernel - 1) // 2, dilation=dilation)
            for dilation in (1, 3, 5)
        )
        self.second = nn.ModuleList(nn.Conv1d(channels, channels, kernel, padding=kernel // 2) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x`` [batch, channels, samples] after all pairs."""
        for first, second in zip(self.first, self.second, strict=True):
            x = x + second(functional.leaky_relu(first(functional.leaky_relu(x, 0.1)), 0.1))
        return x


class HiFiGan(nn.Module):
    """The generator: 256 samples for each frame."""

    def __init__(self, bands: int = 80, channels: int = 512) -> None:
        super().__init__()
        self.start = nn.Conv1d(bands, channels, 7, padding=3)
        self.ups, self.blocks = nn.ModuleList(), nn.ModuleList()
        for kernel, stride in ((16, 8), (16, 8), (4, 2), (4, 2)):
            self.ups.append(nn.ConvTranspose1d(channels, channels // 2, kernel, stride, (kernel - stride) // 2))
            channels //= 2
            self.blocks.append(nn.ModuleList(_Residual(channels, width) for width in (3, 7, 11)))
        self.end = nn.Conv1d(channels, 1, 7, padding=3)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """Audio [batch, 1, 256·frames] of ``mels`` [batch, bands, frames]."""
        x = self.start(mels)
        for up, blocks in zip(self.ups, self.blocks, strict=True):
            x = up(functional.leaky_relu(x, 0.1))
            parts = [block(x) for block in blocks.children()]
            x = (parts[0] + parts[1] + parts[2]) / 3
        return torch.tanh(self.end(functional.leaky_relu(x)))
