"""The networks of tf_cnn_benchmarks (repository tensorflow/benchmarks) layer by layer.

TensorFlow's padding is kept: SAME pads more behind than before, and ResNets pad explicitly before a strided kernel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import nn
from torch.nn import functional

CLASSES: Final = 1001
"""ImageNet with a background class."""


def _margins(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME padding before and after."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class Norm(nn.Module):
    """Batch norm with a shift, and a scale where ``scale`` is set."""

    def __init__(self, channels: int, scale: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels)) if scale else None
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width] normalised."""
        return functional.batch_norm(x, self.mean, self.variance, self.weight, self.bias, self.training, 0.1, 1e-3)


class Conv(nn.Module):
    """A convolution with a bias or a batch norm (``norm``: "none", "shift", "scale"), and a rectifier."""

    def __init__(
        self,
        channels: int,
        width: int,
        kernel: tuple[int, int],
        stride: int = 1,
        mode: str = "SAME",
        norm: str = "none",
        rectified: bool = True,
    ) -> None:
        super().__init__()
        self.inner = nn.Conv2d(channels, width, kernel, stride, bias=norm == "none")
        self.norm = nn.Identity() if norm == "none" else Norm(width, norm == "scale")
        self.kernel, self.stride, self.mode, self.rectified = kernel, stride, mode, rectified

    def _padding(self, x: torch.Tensor) -> list[tuple[int, int]]:
        if self.mode == "VALID":
            return [(0, 0), (0, 0)]
        if self.mode == "SAME_RESNET" and self.stride > 1:
            return [((size - 1) // 2, size - 1 - (size - 1) // 2) for size in self.kernel]
        return [_margins(x.shape[2 + i], self.kernel[i], self.stride) for i in range(2)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width] convolved."""
        rows, columns = self._padding(x)
        explicit = self.mode == "SAME_RESNET" and self.stride > 1 and max(rows + columns) > 0
        if explicit or rows[0] != rows[1] or columns[0] != columns[1]:
            x = functional.pad(x, (*columns, *rows))
            rows = columns = (0, 0)
        y = functional.conv2d(x, self.inner.weight, self.inner.bias, self.stride, (rows[0], columns[0]))
        y = self.norm(y)
        return functional.relu(y) if self.rectified else y


class Pool(nn.Module):
    """Pooling of ``kind`` "max" or "average"."""

    def __init__(self, kind: str, kernel: int, stride: int, mode: str = "VALID") -> None:
        super().__init__()
        self.kind, self.kernel, self.stride, self.mode = kind, kernel, stride, mode

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width] pooled."""
        padding, ceiling = 0, False
        if self.mode == "SAME":
            before, after = _margins(x.shape[2], self.kernel, self.stride)
            padding, ceiling = before, before != after
        if self.kind == "max":
            return functional.max_pool2d(x, self.kernel, self.stride, padding, ceil_mode=ceiling)
        return functional.avg_pool2d(x, self.kernel, self.stride, padding, ceiling, count_include_pad=False)


Layer = tuple[Any, ...]
"""("conv", width, rows, columns[, stride, mode]), ("mpool" or "apool", kernel, stride, mode), or ("share",)."""
Column = Sequence[Layer]
Module = Sequence[Column]
"""An inception module: columns side by side."""


class Columns(nn.Module):
    """An inception module: columns of layers side by side, joined; "share" continues from the column before."""

    def __init__(self, channels: int, columns: Module, norm: str) -> None:
        super().__init__()
        self.columns = columns
        self.layers = nn.ModuleDict()
        widths: list[list[int]] = []
        for number, column in enumerate(columns):
            widths.append([])
            width = channels
            for depth, layer in enumerate(column):
                if layer[0] == "share":
                    width = widths[number - 1][depth]
                else:
                    made, width = made_layer(width, layer, norm)
                    self.layers[f"{number}-{depth}"] = made
                widths[-1].append(width)
        self.width = sum(column[-1] for column in widths)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width] through every column."""
        done: list[list[torch.Tensor]] = []
        for number, column in enumerate(self.columns):
            done.append([])
            y = x
            for depth, layer in enumerate(column):
                y = done[number - 1][depth] if layer[0] == "share" else self.layers[f"{number}-{depth}"](y)
                done[-1].append(y)
        return torch.cat([column[-1] for column in done], 1)


def made_layer(channels: int, layer: Layer, norm: str) -> tuple[nn.Module, int]:
    """A layer and how many channels it gives."""
    if layer[0] == "conv":
        width, rows, columns, *rest = layer[1:]
        options: dict[str, Any] = dict(zip(("stride", "mode"), rest, strict=False))
        return Conv(channels, width, (rows, columns), norm=norm, **options), width
    return Pool({"mpool": "max", "apool": "average"}[layer[0]], *layer[1:]), channels


class Chain(nn.Module):
    """A network of convolutions, pools and inception modules, with dense layers behind; takes images [b, h, w, 3]."""

    def __init__(self, layers: Sequence[Layer | Module], dense: Sequence[int] = (), norm: str = "none") -> None:
        super().__init__()
        self.features = nn.Sequential()
        channels = 3
        for layer in layers:
            if isinstance(layer, tuple):
                made, channels = made_layer(channels, layer, norm)
            else:
                made = columns = Columns(channels, layer, norm)
                channels = columns.width
            self.features.append(made)
        self.dense = nn.Sequential()
        width = channels * (dense[0] if dense else 1)
        for size in dense[1:]:
            self.dense.extend([nn.Linear(width, size), nn.ReLU(), nn.Dropout(0.5)])
            width = size
        self.last = nn.Linear(width, CLASSES)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits [batch, classes] of images [batch, height, width, 3]."""
        x = self.features(images.permute(0, 3, 1, 2).contiguous())
        x = x.flatten(1) if x.shape[2] == 1 or len(self.dense) else x.mean((2, 3))
        return self.last(self.dense(x))


class Bottleneck(nn.Module):
    """A residual block of ResNet v1: the stride is in the first 1x1 convolution."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        depth = 4 * width
        self.short: nn.Module = nn.Identity()
        if channels != depth:
            self.short = Conv(channels, depth, (1, 1), stride, norm="scale", rectified=False)
        self.body = nn.Sequential(
            Conv(channels, width, (1, 1), stride, norm="scale"),
            Conv(width, width, (3, 3), 1, "SAME_RESNET", norm="scale"),
            Conv(width, depth, (1, 1), 1, norm="scale", rectified=False),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width] and what the block adds to them."""
        return functional.relu(self.short(x) + self.body(x))


class ResNet(nn.Module):
    """ResNet v1 with bottlenecks; takes images [batch, height, width, 3]."""

    def __init__(self, blocks: Sequence[int]) -> None:
        super().__init__()
        self.stem = nn.Sequential(Conv(3, 64, (7, 7), 2, "SAME_RESNET", norm="scale"), Pool("max", 3, 2, "SAME"))
        self.blocks = nn.Sequential()
        channels = 64
        for stage, count in enumerate(blocks):
            for block in range(count):
                width = 64 << stage
                self.blocks.append(Bottleneck(channels, width, 2 if stage and not block else 1))
                channels = 4 * width
        self.last = nn.Linear(channels, CLASSES)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits [batch, classes]."""
        x = self.blocks(self.stem(images.permute(0, 3, 1, 2).contiguous()))
        return self.last(x.mean((2, 3)))


class _SquareNorm(torch.autograd.Function):
    """Half the sum of a weight's squares: one pass over it, and one more for its gradient."""

    @staticmethod
    def forward(ctx: Any, weight: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(weight)
        return torch.linalg.vector_norm(weight)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return ctx.saved_tensors[0] * gradient


class Loss(nn.Module):
    """A network with its loss: cross entropy, and the decay of every weight that is not of a batch norm."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        norms = {id(p) for module in network.modules() if isinstance(module, Norm) for p in module.parameters()}
        self.decayed = [parameter for parameter in network.parameters() if id(parameter) not in norms]

    def forward(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The loss in training, else the logits [batch, classes]."""
        logits = self.network(images)
        if not self.training:
            return logits
        loss = functional.cross_entropy(logits, labels)
        return loss + 4e-5 * torch.stack([_SquareNorm.apply(weight) for weight in self.decayed]).sum()
