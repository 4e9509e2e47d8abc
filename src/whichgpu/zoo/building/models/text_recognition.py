"""Reading text in images: CRNN (Shi 2017) recognises a line, DBNet (Liao 2020) finds the lines."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from whichgpu.capturing.libraries import torchvision_models


class Crnn(nn.Module):
    """Convolutions over an image of 32 rows, then two bidirectional LSTMs along its columns."""

    def __init__(self, classes: int = 37) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        plan = ((64, 3, False), (128, 3, False), (256, 3, True), (256, 3, False), (512, 3, True), (512, 3, False))
        pools = {0: nn.MaxPool2d(2, 2), 1: nn.MaxPool2d(2, 2), 3: self._wide_pool(), 5: self._wide_pool()}
        for number, (width, kernel, normed) in enumerate(plan):
            layers.append(nn.Conv2d(channels, width, kernel, 1, 1))
            layers += [nn.BatchNorm2d(width)] if normed else []
            layers.append(nn.ReLU(inplace=True))
            layers += [pools[number]] if number in pools else []
            channels = width
        layers += [nn.Conv2d(512, 512, 2), nn.BatchNorm2d(512), nn.ReLU(inplace=True)]
        self.features = nn.Sequential(*layers)
        self.first = nn.LSTM(512, 256, bidirectional=True)
        self.between = nn.Linear(512, 256)
        self.second = nn.LSTM(256, 256, bidirectional=True)
        self.last = nn.Linear(512, classes)

    @staticmethod
    def _wide_pool() -> nn.Module:
        return nn.MaxPool2d((2, 2), (2, 1), (0, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logarithms of probabilities [columns, batch, classes] of images [batch, 1, 32, width]."""
        x = self.features(images).squeeze(2).permute(2, 0, 1)
        x = self.between(self.first(x)[0])
        x = self.last(self.second(x)[0])
        return functional.log_softmax(x, 2)


def crnn_loss(output: torch.Tensor) -> torch.Tensor:
    """Connectionist temporal classification of words of ten letters."""
    columns, batch, _ = output.shape
    words = torch.zeros(batch, 10, dtype=torch.long)
    lengths = torch.full((batch,), columns), torch.full((batch,), 10)
    return functional.ctc_loss(output, words, *lengths)


class DbNet(nn.Module):
    """Differentiable binarisation on ResNet-18: a probability and, in training, a threshold for every pixel."""

    def __init__(self) -> None:
        super().__init__()
        network = torchvision_models().resnet18(weights=None)
        self.stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
        self.stages = nn.ModuleList([network.layer1, network.layer2, network.layer3, network.layer4])
        widths = (64, 128, 256, 512)
        self.lateral = nn.ModuleList(nn.Conv2d(width, 256, 1, bias=False) for width in widths)
        self.smooth = nn.ModuleList(nn.Conv2d(256, 64, 3, padding=1, bias=False) for _ in widths)
        self.probability, self.threshold = self._head(), self._head()

    @staticmethod
    def _head() -> nn.Sequential:
        first = [nn.Conv2d(256, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)]
        second = [nn.ConvTranspose2d(64, 64, 2, 2), nn.BatchNorm2d(64), nn.ReLU(inplace=True)]
        return nn.Sequential(*first, *second, nn.ConvTranspose2d(64, 1, 2, 2), nn.Sigmoid())

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Maps [batch, 1, height, width] of images [batch, 3, height, width]."""
        x, maps = self.stem(images), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        found = [lateral(x) for lateral, x in zip(self.lateral, maps, strict=True)]
        for level in (2, 1, 0):
            found[level] = found[level] + functional.interpolate(found[level + 1], scale_factor=2.0)
        wide = [smooth(x) for smooth, x in zip(self.smooth, found, strict=True)]
        wide = [functional.interpolate(x, scale_factor=2.0**level) if level else x for level, x in enumerate(wide)]
        fused = torch.cat(wide[::-1], 1)
        likely = self.probability(fused)
        if not self.training:
            return [likely]
        limit = self.threshold(fused)
        return [likely, limit, torch.reciprocal(1 + torch.exp(-50 * (likely - limit)))]
