"""Networks on graphs and clouds of points: what neighbours send is gathered by edge and summed where it arrives."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final

import torch
from torch import nn
from torch.nn import functional


def gathered(x: torch.Tensor, edges: torch.Tensor, nodes: int) -> torch.Tensor:
    """For every node the sum of what its neighbours hold: ``x`` [nodes, width], ``edges`` [2, edges]."""
    return summed(x.index_select(0, edges[0]), edges[1], nodes)


def summed(messages: torch.Tensor, targets: torch.Tensor, nodes: int) -> torch.Tensor:
    """Messages [edges, width] added up at their targets [edges]: [nodes, width]."""
    return messages.new_zeros(nodes, *messages.shape[1:]).index_add(0, targets, messages)


class Gcn(nn.Module):
    """Graph convolutions (Kipf 2017); the degrees by which sums are scaled are computed once, outside."""

    def __init__(self, *widths: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))
        self.dropout = dropout

    def forward(self, x: torch.Tensor, edges: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        """Logits of nodes ``x`` [nodes, features]; ``scale`` [edges, 1]."""
        for number, layer in enumerate(self.layers):
            if number:
                x = functional.relu(x)
            x = functional.linear(functional.dropout(x, self.dropout, self.training), layer.weight)
            x = summed(x.index_select(0, edges[0]) * scale, edges[1], x.shape[0]) + layer.bias
        return x


class _GraphAttention(nn.Module):
    """A layer of attention over neighbours (Veličković 2018)."""

    def __init__(self, inputs: int, width: int, heads: int, *, joined: bool) -> None:
        super().__init__()
        self.project = nn.Linear(inputs, heads * width, bias=False)
        self.source, self.target = (nn.Parameter(torch.zeros(1, heads, width)) for _ in range(2))
        self.bias = nn.Parameter(torch.zeros(heads * width if joined else width))
        self.heads, self.width, self.joined = heads, width, joined

    def forward(self, x: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
        """``x`` [nodes, inputs] to [nodes, heads·width], or the mean of the heads."""
        nodes = x.shape[0]
        x = self.project(functional.dropout(x, 0.6, self.training)).view(nodes, self.heads, self.width)
        sent, met = (x * self.source).sum(-1), (x * self.target).sum(-1)
        scores = functional.leaky_relu(sent.index_select(0, edges[0]) + met.index_select(0, edges[1]), 0.2)
        weights = scores.exp()
        weights = weights / summed(weights, edges[1], nodes).index_select(0, edges[1])
        weights = functional.dropout(weights, 0.6, self.training)
        y = summed(x.index_select(0, edges[0]) * weights.unsqueeze(-1), edges[1], nodes)
        return (y.flatten(1) if self.joined else y.mean(1)) + self.bias


class Gat(nn.Module):
    """Two layers of graph attention, as on citation networks."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.first = _GraphAttention(features, 8, 8, joined=True)
        self.second = _GraphAttention(64, classes, 1, joined=False)

    def forward(self, x: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
        """Logits of nodes ``x`` [nodes, features]."""
        y: torch.Tensor = self.second(functional.elu(self.first(x, edges)), edges)
        return y


class GraphSage(nn.Module):
    """GraphSAGE (Hamilton 2017) with means, over neighbours drawn for a batch of nodes.

    ``reached`` are the nodes a node of the batch needs at each hop, the batch itself first; every hop's nodes stand
    before those that are reached from them.
    """

    def __init__(self, *widths: int) -> None:
        super().__init__()
        pairs = list(itertools.pairwise(widths))
        self.own = nn.ModuleList(nn.Linear(a, b, bias=False) for a, b in pairs)
        self.others = nn.ModuleList(nn.Linear(a, b) for a, b in pairs)

    def forward(self, x: torch.Tensor, hops: Sequence[torch.Tensor], counts: Sequence[torch.Tensor]) -> torch.Tensor:
        """Logits of the batch's nodes from ``x`` of all; ``hops`` are edges, outermost first, ``counts`` degrees."""
        for number, (edges, degrees) in enumerate(zip(hops, counts, strict=True)):
            kept = degrees.shape[0]
            mean = summed(x.index_select(0, edges[0]), edges[1], kept) / degrees
            x = self.others[number](mean) + self.own[number](x[:kept])
            if number < len(self.own) - 1:
                x = functional.dropout(functional.relu(x), 0.5, self.training)
        return x


class _Tables(nn.Module):
    """Numbers of categories as the sum of a vector for each (the encoders of the Open Graph Benchmark)."""

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(size, width) for size in sizes)

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """[n, categories] to [n, width]."""
        total = self.tables[0](numbers[:, 0])
        for index in range(1, len(self.tables)):
            total = total + self.tables[index](numbers[:, index])
        result: torch.Tensor = total
        return result


ATOMS: Final = (119, 4, 12, 12, 10, 6, 6, 2, 2)
BONDS: Final = (5, 6, 2)


class _Isomorphism(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.bonds = _Tables(BONDS, width)
        self.layers = nn.Sequential(
            nn.Linear(width, 2 * width), nn.BatchNorm1d(2 * width), nn.ReLU(), nn.Linear(2 * width, width)
        )
        self.weight = nn.Parameter(torch.zeros(1))
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x: torch.Tensor, edges: torch.Tensor, bonds: torch.Tensor) -> torch.Tensor:
        """``x`` [atoms, width] after its neighbours' messages."""
        messages = functional.relu(x.index_select(0, edges[0]) + self.bonds(bonds))
        y: torch.Tensor = self.norm(self.layers((1 + self.weight) * x + summed(messages, edges[1], x.shape[0])))
        return y


class Gin(nn.Module):
    """A graph isomorphism network (Xu 2019) of molecules, as the Open Graph Benchmark has it."""

    def __init__(self, layers: int = 5, width: int = 300, tasks: int = 1) -> None:
        super().__init__()
        self.atoms = _Tables(ATOMS, width)
        self.layers = nn.ModuleList(_Isomorphism(width) for _ in range(layers))
        self.out = nn.Linear(width, tasks)

    def forward(
        self, atoms: torch.Tensor, edges: torch.Tensor, bonds: torch.Tensor, molecule: torch.Tensor, sizes: torch.Tensor
    ) -> torch.Tensor:
        """Logits [molecules, tasks]; ``molecule`` [atoms] is whose an atom is, ``sizes`` [molecules, 1] their atoms."""
        x = self.atoms(atoms)
        for number, layer in enumerate(self.layers):
            x = layer(x, edges, bonds)
            if number < len(self.layers) - 1:
                x = functional.relu(x)
            x = functional.dropout(x, 0.5, self.training)
        y: torch.Tensor = self.out(summed(x, molecule, sizes.shape[0]) / sizes)
        return y


def _softplus(x: torch.Tensor) -> torch.Tensor:
    return functional.softplus(x) - math.log(2.0)


class _Interaction(nn.Module):
    """A continuous-filter convolution: filters are made from distances."""

    def __init__(self, width: int, gaussians: int) -> None:
        super().__init__()
        self.filters = nn.ModuleList([nn.Linear(gaussians, width), nn.Linear(width, width)])
        self.before, self.after = nn.Linear(width, width, bias=False), nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def forward(self, x: torch.Tensor, edges: torch.Tensor, near: torch.Tensor, cut: torch.Tensor) -> torch.Tensor:
        """``x`` [atoms, width] and what its neighbours add."""
        filters = self.filters[1](_softplus(self.filters[0](near))) * cut
        messages = self.before(x).index_select(0, edges[0]) * filters
        y: torch.Tensor = self.out(_softplus(self.after(summed(messages, edges[1], x.shape[0]))))
        return x + y


class SchNet(nn.Module):
    """SchNet (Schütt 2017) of PyTorch Geometric's sizes: an energy for each molecule."""

    def __init__(self, width: int = 128, layers: int = 6, gaussians: int = 50) -> None:
        super().__init__()
        self.atoms = nn.Embedding(100, width)
        self.layers = nn.ModuleList(_Interaction(width, gaussians) for _ in range(layers))
        self.ends = nn.ModuleList([nn.Linear(width, width // 2), nn.Linear(width // 2, 1)])
        self.gaussians = gaussians

    def forward(
        self, atoms: torch.Tensor, places: torch.Tensor, edges: torch.Tensor, molecule: torch.Tensor, none: torch.Tensor
    ) -> torch.Tensor:
        """Energies [molecules, 1] of ``atoms`` at ``places`` [atoms, 3]; ``none`` [molecules, 1] are zeros."""
        apart = places.index_select(0, edges[0]) - places.index_select(0, edges[1])
        distance = apart.square().sum(-1, keepdim=True).sqrt()
        near = torch.exp(-10.0 * (distance - torch.zeros(self.gaussians)).square())
        cut = 0.5 * (torch.cos(distance * (math.pi / 10.0)) + 1.0)
        x = self.atoms(atoms)
        for layer in self.layers:
            x = layer(x, edges, near, cut)
        x = self.ends[1](_softplus(self.ends[0](x)))
        return none.index_add(0, molecule, x)


class _Shared(nn.Sequential):
    """Layers that every point passes: [batch, channels, points]."""

    def __init__(self, *widths: int, last: bool = True) -> None:
        layers: list[nn.Module] = []
        for number, (a, b) in enumerate(itertools.pairwise(widths)):
            layers += [nn.Conv1d(a, b, 1), nn.BatchNorm1d(b)]
            if last or number < len(widths) - 2:
                layers.append(nn.ReLU())
        super().__init__(*layers)


class _Alignment(nn.Module):
    """A network that turns a cloud: a matrix [batch, size, size]."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.points = _Shared(size, 64, 128, 1024)
        self.layers = nn.Sequential(
            *(nn.Linear(1024, 512), nn.BatchNorm1d(512), nn.ReLU()),
            *(nn.Linear(512, 256), nn.BatchNorm1d(256), nn.ReLU()),
            nn.Linear(256, size * size),
        )
        self.size = size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The matrix of a cloud [batch, size, points]."""
        seen = self.points(x).max(-1)[0]
        return self.layers(seen).view(-1, self.size, self.size) + torch.eye(self.size)


class PointNet(nn.Module):
    """PointNet (Qi 2017): logits of clouds [batch, 3, points], turned twice."""

    def __init__(self, classes: int = 40) -> None:
        super().__init__()
        self.first, self.second = _Alignment(3), _Alignment(64)
        self.start, self.end = _Shared(3, 64), _Shared(64, 128, 1024, last=False)
        self.head = nn.Sequential(
            *(nn.Linear(1024, 512), nn.BatchNorm1d(512), nn.ReLU()),
            *(nn.Linear(512, 256), nn.Dropout(0.4), nn.BatchNorm1d(256), nn.ReLU()),
            nn.Linear(256, classes),
        )

    def forward(self, cloud: torch.Tensor) -> torch.Tensor:
        """Logits [batch, classes]."""
        x = torch.bmm(cloud.transpose(1, 2), self.first(cloud)).transpose(1, 2).contiguous()
        x = self.start(x)
        x = torch.bmm(x.transpose(1, 2), self.second(x)).transpose(1, 2).contiguous()
        y: torch.Tensor = self.head(self.end(x).max(-1)[0])
        return y


class _EdgeConvolution(nn.Module):
    """Neighbours among features, found anew in each layer (Wang 2019)."""

    def __init__(self, inputs: int, width: int, neighbours: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(2 * inputs, width, 1, bias=False), nn.BatchNorm2d(width), nn.LeakyReLU(0.2)
        )
        self.neighbours = neighbours

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x`` [batch, inputs, points] to [batch, width, points]."""
        batch, inputs, points = x.shape
        inner = -2 * torch.bmm(x.transpose(1, 2), x)
        squares = x.square().sum(1, keepdim=True)
        near = (-squares - inner - squares.transpose(1, 2)).topk(self.neighbours, dim=-1)[1]
        flat = x.transpose(1, 2).reshape(batch * points, inputs)
        first = torch.arange(batch).view(-1, 1, 1) * points
        others = flat.index_select(0, (near + first).view(-1)).view(batch, points, self.neighbours, inputs)
        own = flat.view(batch, points, 1, inputs).expand(-1, -1, self.neighbours, -1)
        pairs = torch.cat([others - own, own], dim=3).permute(0, 3, 1, 2).contiguous()
        seen: torch.Tensor = self.layers(pairs).max(-1)[0]
        return seen


class Dgcnn(nn.Module):
    """A dynamic graph network of clouds [batch, 3, points] with twenty neighbours."""

    def __init__(self, classes: int = 40, neighbours: int = 20) -> None:
        super().__init__()
        widths = (3, 64, 64, 128, 256)
        self.layers = nn.ModuleList(_EdgeConvolution(a, b, neighbours) for a, b in itertools.pairwise(widths))
        self.join = nn.Sequential(nn.Conv1d(512, 1024, 1, bias=False), nn.BatchNorm1d(1024), nn.LeakyReLU(0.2))
        self.head = nn.Sequential(
            *(nn.Linear(2048, 512, bias=False), nn.BatchNorm1d(512), nn.LeakyReLU(0.2), nn.Dropout(0.5)),
            *(nn.Linear(512, 256), nn.BatchNorm1d(256), nn.LeakyReLU(0.2), nn.Dropout(0.5)),
            nn.Linear(256, classes),
        )

    def forward(self, cloud: torch.Tensor) -> torch.Tensor:
        """Logits [batch, classes]."""
        seen, x = [], cloud
        for layer in self.layers:
            x = layer(x)
            seen.append(x)
        whole = self.join(torch.cat(seen, 1))
        y: torch.Tensor = self.head(torch.cat([whole.max(-1)[0], whole.mean(-1)], 1))
        return y
