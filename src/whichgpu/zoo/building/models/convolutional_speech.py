"""Speech recognisers made of convolutions over time: Jasper (Li 2019) and QuartzNet (Kriman 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import nn

BANDS: Final = 64
LETTERS: Final = 29
"""Letters, space, apostrophe, and the blank of CTC."""


def _plain(inputs: int, outputs: int, kernel: int, *, stride: int = 1, dilation: int = 1) -> list[nn.Module]:
    padding = dilation * (kernel - 1) // 2
    return [
        nn.Conv1d(inputs, outputs, kernel, stride, padding, dilation, bias=False),
        nn.BatchNorm1d(outputs),
    ]


def _separable(inputs: int, outputs: int, kernel: int, *, stride: int = 1, dilation: int = 1) -> list[nn.Module]:
    padding = dilation * (kernel - 1) // 2
    return [
        nn.Conv1d(inputs, inputs, kernel, stride, padding, dilation, groups=inputs, bias=False),
        nn.Conv1d(inputs, outputs, 1, bias=False),
        nn.BatchNorm1d(outputs),
    ]


class _Block(nn.Module):
    """Five convolutions, to the last of which the block's inputs are added, each through one of width one."""

    def __init__(self, sources: Sequence[int], width: int, kernel: int, *, separable: bool, dropout: float) -> None:
        super().__init__()
        make = _separable if separable else _plain
        layers: list[nn.Module] = []
        for number in range(5):
            layers += make(sources[-1] if number == 0 else width, width, kernel)
            if number < 4:
                layers += [nn.ReLU(), nn.Dropout(dropout)] if dropout else [nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.residuals = nn.ModuleList(nn.Sequential(*_plain(source, width, 1)) for source in sources)
        self.end = nn.Sequential(nn.ReLU(), nn.Dropout(dropout)) if dropout else nn.ReLU()

    def forward(self, sources: list[torch.Tensor]) -> torch.Tensor:
        """The last of ``sources`` [batch, channels, frames] through the block, all of them added."""
        x = self.layers(sources[-1])
        for residual, source in zip(self.residuals, sources, strict=True):
            x = x + residual(source)
        y: torch.Tensor = self.end(x)
        return y


class QuartzNet(nn.Module):
    """QuartzNet 15x5: fifteen blocks of separable convolutions; logits [batch, frames, letters]."""

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Sequential(*_separable(BANDS, 256, 33, stride=2), nn.ReLU())
        widths = [256] * 6 + [512] * 9
        kernels = [kernel for kernel in (33, 39, 51, 63, 75) for _ in range(3)]
        sources = [256, *widths[:-1]]
        self.blocks = nn.ModuleList(
            _Block([source], width, kernel, separable=True, dropout=0.0)
            for source, width, kernel in zip(sources, widths, kernels, strict=True)
        )
        end = [*_separable(512, 512, 87, dilation=2), nn.ReLU(), *_plain(512, 1024, 1), nn.ReLU()]
        self.end = nn.Sequential(*end, nn.Conv1d(1024, LETTERS, 1))

    def forward(self, spectrogram: torch.Tensor) -> torch.Tensor:
        """Logits of a spectrogram [batch, bands, frames]."""
        x = self.start(spectrogram)
        for block in self.blocks:
            x = block([x])
        y: torch.Tensor = self.end(x).transpose(1, 2)
        return y


class Jasper(nn.Module):
    """Jasper 10x5 with dense residuals: every block sees the outputs of all before it."""

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Sequential(*_plain(BANDS, 256, 11, stride=2), nn.ReLU(), nn.Dropout(0.2))
        widths = [width for width in (256, 384, 512, 640, 768) for _ in range(2)]
        kernels = [kernel for kernel in (11, 13, 17, 21, 25) for _ in range(2)]
        self.blocks = nn.ModuleList()
        sources = [256]
        for width, kernel in zip(widths, kernels, strict=True):
            self.blocks.append(_Block(sources, width, kernel, separable=False, dropout=0.2))
            sources = [*sources, width]
        end = [*_plain(768, 896, 29, dilation=2), nn.ReLU(), nn.Dropout(0.4), *_plain(896, 1024, 1), nn.ReLU()]
        self.end = nn.Sequential(*end, nn.Dropout(0.4), nn.Conv1d(1024, LETTERS, 1))

    def forward(self, spectrogram: torch.Tensor) -> torch.Tensor:
        """Logits of a spectrogram [batch, bands, frames]."""
        seen = [self.start(spectrogram)]
        for block in self.blocks:
            seen.append(block(seen))
        y: torch.Tensor = self.end(seen[-1]).transpose(1, 2)
        return y
