"""YOLO networks, written from their published descriptions: versions 3, 5 (6.0 and later), 8, 11 and YOLOX."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from whichgpu.capturing.tracing import unrecorded

ANCHOR_BINS = 16
"""Bins of the distribution from which versions 8 and 11 read a side of a box (Li 2020)."""


class Conv(nn.Module):
    """A convolution, batch norm and, unless ``plain``, a SiLU."""

    def __init__(
        self, channels: int, width: int, kernel: int = 1, stride: int = 1, *, groups: int = 1, plain: bool = False
    ) -> None:
        super().__init__()
        padding = 2 if kernel == 6 else kernel // 2
        self.inner = nn.Conv2d(channels, width, kernel, stride, padding, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.plain = plain

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width] convolved."""
        y = self.norm(self.inner(x))
        return y if self.plain else functional.silu(y, inplace=True)


class Bottleneck(nn.Module):
    """Two convolutions, and what came in where ``short``; ``inner`` is the width between them."""

    def __init__(
        self, channels: int, inner: int, *, short: bool, kernels: tuple[int, int] = (3, 3), width: int = 0
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(Conv(channels, inner, kernels[0]), Conv(inner, width or channels, kernels[1]))
        self.short = short

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width]."""
        return x + self.body(x) if self.short else self.body(x)


class C3(nn.Module):
    """A cross-stage block of three convolutions around bottlenecks."""

    def __init__(
        self, channels: int, width: int, count: int, *, short: bool = True, kernels: tuple[int, int] = (1, 3)
    ) -> None:
        super().__init__()
        half = width // 2
        self.first, self.second = Conv(channels, half), Conv(channels, half)
        self.body = nn.Sequential(*(Bottleneck(half, half, short=short, kernels=kernels) for _ in range(count)))
        self.last = Conv(2 * half, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width]."""
        return self.last(torch.cat((self.body(self.first(x)), self.second(x)), 1))


class C2f(nn.Module):
    """A cross-stage block that keeps every bottleneck's output; ``nested`` puts a C3 in a bottleneck's place."""

    def __init__(
        self,
        channels: int,
        width: int,
        count: int,
        *,
        short: bool = False,
        share: float = 0.5,
        inner: float = 1.0,
        nested: bool = False,
    ) -> None:
        super().__init__()
        own = int(width * share)
        self.first = Conv(channels, 2 * own)
        self.body = nn.ModuleList(
            C3(own, own, 2, short=short, kernels=(3, 3)) if nested else Bottleneck(own, int(own * inner), short=short)
            for _ in range(count)
        )
        self.last = Conv((2 + count) * own, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width]."""
        parts = list(self.first(x).chunk(2, 1))
        for part in self.body:
            parts.append(part(parts[-1]))
        return self.last(torch.cat(parts, 1))


class Pooled(nn.Module):
    """Spatial pyramid pooling by three pools in a row."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.first, self.last = Conv(channels, channels // 2), Conv(2 * channels, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width]."""
        parts = [self.first(x)]
        for _ in range(3):
            parts.append(functional.max_pool2d(parts[-1], 5, 1, 2))
        return self.last(torch.cat(parts, 1))


class Attention(nn.Module):
    """Attention over the places of a map, with a depthwise convolution for their positions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = width // 64
        self.key = width // self.heads // 2
        self.all = Conv(width, width + 2 * self.key * self.heads, plain=True)
        self.place = Conv(width, width, 3, groups=width, plain=True)
        self.last = Conv(width, width, plain=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width]."""
        batch, width, rows, columns = x.shape
        own = self.all(x).view(batch, self.heads, -1, rows * columns)
        query, key, value = own.split([self.key, self.key, width // self.heads], 2)
        weights = ((query.transpose(-2, -1) @ key) * self.key**-0.5).softmax(-1)
        seen = (value @ weights.transpose(-2, -1)).view(x.shape)
        return self.last(seen + self.place(value.reshape(x.shape)))


class Attended(nn.Module):
    """A cross-stage block whose second half goes through attention blocks."""

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        half = width // 2
        self.first, self.last = Conv(width, width), Conv(width, width)
        self.attention = nn.ModuleList(Attention(half) for _ in range(count))
        self.dense = nn.ModuleList(
            nn.Sequential(Conv(half, width), Conv(width, half, plain=True)) for _ in range(count)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [batch, channels, height, width]."""
        kept, y = self.first(x).chunk(2, 1)
        for attention, dense in zip(self.attention, self.dense, strict=True):
            y = y + attention(y)
            y = y + dense(y)
        return self.last(torch.cat((kept, y), 1))


def raised(x: torch.Tensor) -> torch.Tensor:
    """A map of twice the size."""
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


class Neck(nn.Module):
    """Maps at strides 8, 16 and 32, combined downwards and upwards; ``reduced`` narrows each before it is raised."""

    def __init__(self, widths: Sequence[int], blocks: Sequence[nn.Module], reduced: bool) -> None:
        super().__init__()
        small, middle, large = widths
        self.down = nn.ModuleList(
            [Conv(large, middle), Conv(middle, small)] if reduced else [nn.Identity(), nn.Identity()]
        )
        self.blocks = nn.ModuleList(blocks)
        self.strided = nn.ModuleList([Conv(small, small, 3, 2), Conv(middle, middle, 3, 2)])

    def forward(self, maps: list[torch.Tensor]) -> list[torch.Tensor]:
        """The three maps combined."""
        top = self.down[0](maps[2])
        middle = self.down[1](self.blocks[0](torch.cat((raised(top), maps[1]), 1)))
        small = self.blocks[1](torch.cat((raised(middle), maps[0]), 1))
        medium = self.blocks[2](torch.cat((self.strided[0](small), middle), 1))
        large = self.blocks[3](torch.cat((self.strided[1](medium), top), 1))
        return [small, medium, large]


class Network(nn.Module):
    """A backbone with the positions of its three maps, a neck and a head; gives what the head predicts."""

    def __init__(self, backbone: Sequence[nn.Module], taken: Sequence[int], neck: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone, self.taken = nn.ModuleList(backbone), tuple(taken)
        self.neck, self.head = neck, head

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Predictions of images [batch, 3, height, width]."""
        maps, x = [], images
        for position, layer in enumerate(self.backbone):
            x = layer(x)
            if position in self.taken:
                maps.append(x)
        found: list[torch.Tensor] = self.head(self.neck(maps))
        return found


class AnchorHead(nn.Module):
    """Version 3 and 5: three anchors a place, each with a box, an object score and class scores."""

    def __init__(self, widths: Sequence[int], classes: int = 80) -> None:
        super().__init__()
        self.outputs = nn.ModuleList(nn.Conv2d(width, 3 * (classes + 5), 1) for width in widths)
        self.values = classes + 5

    def forward(self, maps: list[torch.Tensor]) -> list[torch.Tensor]:
        """Predictions [batch, 3, rows, columns, values] of each map; at inference boxes [batch, places, values]."""
        found = []
        for x, output in zip(maps, self.outputs, strict=True):
            y = output(x)
            batch, _, rows, columns = y.shape
            y = y.view(batch, 3, self.values, rows, columns).permute(0, 1, 3, 4, 2).contiguous()
            found.append(y if self.training else self._decoded(y))
        return found if self.training else [torch.cat(found, 1)]

    def _decoded(self, y: torch.Tensor) -> torch.Tensor:
        with unrecorded():
            grid = torch.zeros(1, 3, y.shape[2], y.shape[3], 2)
        place, size, rest = y.sigmoid().split((2, 2, self.values - 4), 4)
        return torch.cat(((place * 2 + grid) * 8.0, (size * 2) ** 2 * grid, rest), 4).view(len(y), -1, self.values)


class DistributionHead(nn.Module):
    """Versions 8 and 11: boxes as distributions of four sides, classes beside them, no anchors."""

    def __init__(self, widths: Sequence[int], classes: int = 80, *, separable: bool = False) -> None:
        super().__init__()
        box = max(16, widths[0] // 4, 4 * ANCHOR_BINS)
        inner = max(widths[0], min(classes, 100))
        self.boxes = nn.ModuleList(
            nn.Sequential(Conv(width, box, 3), Conv(box, box, 3), nn.Conv2d(box, 4 * ANCHOR_BINS, 1))
            for width in widths
        )
        self.classes = nn.ModuleList(
            nn.Sequential(*self._scored(width, inner, separable), nn.Conv2d(inner, classes, 1)) for width in widths
        )
        self.bins = nn.Conv2d(ANCHOR_BINS, 1, 1, bias=False).requires_grad_(False)

    @staticmethod
    def _scored(width: int, inner: int, separable: bool) -> list[nn.Module]:
        if not separable:
            return [Conv(width, inner, 3), Conv(inner, inner, 3)]
        first = [Conv(width, width, 3, groups=width), Conv(width, inner)]
        return [*first, Conv(inner, inner, 3, groups=inner), Conv(inner, inner)]

    def forward(self, maps: list[torch.Tensor]) -> list[torch.Tensor]:
        """Predictions [batch, 64 + classes, rows, columns] of each map; at inference boxes and scores of all places."""
        found = [torch.cat((box(x), kind(x)), 1) for x, box, kind in zip(maps, self.boxes, self.classes, strict=True)]
        if self.training:
            return found
        every = torch.cat([y.view(len(y), y.shape[1], -1) for y in found], 2)
        sides, scores = every.split((4 * ANCHOR_BINS, every.shape[1] - 4 * ANCHOR_BINS), 1)
        places = sides.shape[2]
        likely = sides.view(len(sides), 4, ANCHOR_BINS, places).transpose(2, 1).softmax(1)
        distances = self.bins(likely).view(len(sides), 4, places)
        with unrecorded():
            points = torch.zeros(1, 2, places)
        before, after = distances.chunk(2, 1)
        low, high = points - before, points + after
        boxes = torch.cat(((low + high) / 2, high - low), 1) * 8.0
        return [torch.cat((boxes, scores.sigmoid()), 1)]


class DecoupledHead(nn.Module):
    """YOLOX: classes and boxes in two branches of two convolutions each."""

    def __init__(self, widths: Sequence[int], inner: int, classes: int = 80) -> None:
        super().__init__()
        self.stems = nn.ModuleList(Conv(width, inner) for width in widths)
        self.kinds = nn.ModuleList(self._branch(inner) for _ in widths)
        self.places = nn.ModuleList(self._branch(inner) for _ in widths)
        self.outputs = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(inner, width, 1) for width in (4, 1, classes)) for _ in widths
        )

    @staticmethod
    def _branch(width: int) -> nn.Module:
        return nn.Sequential(Conv(width, width, 3), Conv(width, width, 3))

    def forward(self, maps: list[torch.Tensor]) -> list[torch.Tensor]:
        """Predictions [batch, 5 + classes, rows, columns] of each map; at inference all places [batch, n, values]."""
        found = []
        for x, stem, kind, place, outputs in zip(maps, self.stems, self.kinds, self.places, self.outputs, strict=True):
            own = stem(x)
            kinds, places = kind(own), place(own)
            parts = [outputs[0](places), outputs[1](places), outputs[2](kinds)]
            if not self.training:
                parts[1:] = [part.sigmoid() for part in parts[1:]]
            found.append(torch.cat(parts, 1))
        if self.training:
            return found
        every = torch.cat([y.flatten(2) for y in found], 2).permute(0, 2, 1)
        with unrecorded():
            grid = torch.zeros(1, every.shape[1], 2)
        return [torch.cat(((every[..., :2] + grid) * 8.0, every[..., 2:4].exp() * 8.0, every[..., 4:]), 2)]
