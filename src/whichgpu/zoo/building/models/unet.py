"""U-Nets: the first (Ronneberger 2015), and the three-dimensional one of nnU-Net (Isensee 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional


def _twice(channels: int, width: int) -> nn.Sequential:
    """Two unpadded 3x3 convolutions with rectifiers."""
    return nn.Sequential(
        *(nn.Conv2d(channels, width, 3), nn.ReLU(inplace=True)),
        *(nn.Conv2d(width, width, 3), nn.ReLU(inplace=True)),
    )


class UNet(nn.Module):
    """The first U-Net: 572x572 grey pixels in, two classes of 388x388 out."""

    def __init__(self, classes: int = 2) -> None:
        super().__init__()
        widths = (64, 128, 256, 512, 1024)
        self.down = nn.ModuleList(_twice(a, b) for a, b in zip((1, *widths), widths, strict=False))
        pairs = [(2 * width, width) for width in (512, 256, 128, 64)]
        self.raised = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, 2) for a, b in pairs)
        self.up = nn.ModuleList(_twice(a, b) for a, b in pairs)
        self.last = nn.Conv2d(64, classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [batch, classes, height, width] of images [batch, 1, height, width]."""
        kept = []
        for block in self.down[:-1]:
            kept.append(block(x))
            x = functional.max_pool2d(kept[-1], 2)
        x = self.down[-1](x)
        for raised, block in zip(self.raised, self.up, strict=True):
            x = raised(x)
            skipped = kept.pop()
            margin = (skipped.shape[2] - x.shape[2]) // 2
            cut = skipped[:, :, margin : margin + x.shape[2], margin : margin + x.shape[3]]
            x = block(torch.cat((cut, x), 1))
        return self.last(x)


def _stage(channels: int, width: int, stride: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for step in range(2):
        own = nn.Conv3d(width if step else channels, width, 3, 1 if step else stride, 1)
        layers += [own, nn.InstanceNorm3d(width, affine=True), nn.LeakyReLU(0.01, inplace=True)]
    return nn.Sequential(*layers)


class UNet3d(nn.Module):
    """nnU-Net's full-resolution network for patches of 128x128x128, with deep supervision in training."""

    def __init__(self, channels: int, classes: int, widths: Sequence[int] = (32, 64, 128, 256, 320, 320)) -> None:
        super().__init__()
        firsts = (channels, *widths)
        self.down = nn.ModuleList(
            _stage(a, b, 2 if number else 1) for number, (a, b) in enumerate(zip(firsts, widths, strict=False))
        )
        pairs = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.raised = nn.ModuleList(nn.ConvTranspose3d(a, b, 2, 2) for a, b in pairs)
        self.up = nn.ModuleList(_stage(2 * b, b, 1) for _, b in pairs)
        self.last = nn.ModuleList(nn.Conv3d(b, classes, 1) for _, b in pairs)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Logits [batch, classes, depth, height, width], in training also of the coarser levels but the last two."""
        kept = []
        for block in self.down:
            x = block(x)
            kept.append(x)
        kept.pop()
        found = []
        for raised, block, last in zip(self.raised, self.up, self.last, strict=True):
            x = block(torch.cat((raised(x), kept.pop()), 1))
            found.append(last(x))
        return found if self.training else found[-1:]
