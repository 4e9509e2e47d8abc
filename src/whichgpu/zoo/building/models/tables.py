"""Networks on tables: perceptrons, residual networks and transformers (Gorishniy 2021), TabNet (Arik 2021), and others.

A row has numbers and categories; ``categories`` are the sizes of their tables.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional


class Perceptron(nn.Module):
    """Dense layers with dropout; logits [batch, classes]."""

    def __init__(self, *widths: int, dropout: float = 0.1) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise(widths):
            layers += [nn.Linear(a, b), nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers[:-2])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of rows [batch, numbers]."""
        y: torch.Tensor = self.layers(x)
        return y


class _Residual(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm, self.first, self.second = nn.BatchNorm1d(width), nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x`` [batch, width] and what two layers make of it."""
        hidden = functional.dropout(functional.relu(self.first(self.norm(x))), 0.2, self.training)
        y: torch.Tensor = x + self.second(hidden)
        return y


class ResidualTable(nn.Module):
    """The residual network of Gorishniy 2021."""

    def __init__(self, numbers: int, classes: int, *, width: int = 256, hidden: int = 512, blocks: int = 8) -> None:
        super().__init__()
        self.start = nn.Linear(numbers, width)
        self.blocks = nn.Sequential(*(_Residual(width, hidden) for _ in range(blocks)))
        self.end = nn.Sequential(nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of rows [batch, numbers]."""
        y: torch.Tensor = self.end(self.blocks(self.start(x)))
        return y


class _Tokens(nn.Module):
    """Every feature as a vector, after one for the row: [batch, 1 + features, width]."""

    def __init__(self, numbers: int, categories: Sequence[int], width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(numbers + 1, width))
        self.bias = nn.Parameter(torch.zeros(numbers + len(categories), width))
        self.table = nn.Embedding(sum(categories), width) if categories else None

    def forward(self, numbers: torch.Tensor, categories: torch.Tensor | None) -> torch.Tensor:
        """The vectors of a row's features."""
        every = torch.cat([torch.ones(numbers.shape[0], 1), numbers], 1)
        x = self.weight * every.unsqueeze(-1)
        if self.table is not None and categories is not None:
            x = torch.cat([x, self.table(categories)], 1)
        return x + torch.cat([torch.zeros(1, x.shape[-1]), self.bias])


class _TokenBlock(nn.Module):
    def __init__(self, width: int, hidden: int, *, first: bool) -> None:
        super().__init__()
        self.attention = nn.ModuleList(nn.Linear(width, width) for _ in range(4))
        self.before = None if first else nn.LayerNorm(width)
        self.norm, self.up, self.down = nn.LayerNorm(width), nn.Linear(width, 2 * hidden), nn.Linear(hidden, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x`` [batch, tokens, width] after attention with eight heads and a gated layer."""
        normed = x if self.before is None else self.before(x)
        shape = (*normed.shape[:2], 8, normed.shape[-1] // 8)
        query, key, value = (layer(normed).view(shape).transpose(1, 2) for layer in list(self.attention)[:3])
        seen = functional.scaled_dot_product_attention(query, key, value, dropout_p=0.2 if self.training else 0.0)
        x = x + self.attention[3](seen.transpose(1, 2).reshape(x.shape))
        up, gate = self.up(self.norm(x)).chunk(2, dim=-1)
        hidden = functional.dropout(up * functional.relu(gate), 0.1, self.training)
        y: torch.Tensor = x + self.down(hidden)
        return y


class FeatureTransformer(nn.Module):
    """FT-Transformer (Gorishniy 2021) at its default sizes."""

    def __init__(self, numbers: int, categories: Sequence[int], classes: int, *, width: int = 192) -> None:
        super().__init__()
        self.tokens = _Tokens(numbers, categories, width)
        self.blocks = nn.Sequential(*(_TokenBlock(width, 256, first=n == 0) for n in range(3)))
        self.end = nn.Sequential(nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, classes))

    def forward(self, numbers: torch.Tensor, categories: torch.Tensor | None = None) -> torch.Tensor:
        """Logits [batch, classes]."""
        y: torch.Tensor = self.end(self.blocks(self.tokens(numbers, categories))[:, 0])
        return y


class CategoryTransformer(nn.Module):
    """TabTransformer (Huang 2020): attention over categories alone, a perceptron over them and the numbers."""

    def __init__(self, numbers: int, categories: Sequence[int], classes: int, *, width: int = 32) -> None:
        super().__init__()
        self.table = nn.Embedding(sum(categories), width)
        layer = nn.TransformerEncoderLayer(width, 8, 4 * width, 0.1, "gelu", batch_first=True)
        self.blocks = nn.TransformerEncoder(layer, 6, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(numbers)
        inputs = width * len(categories) + numbers
        self.head = Perceptron(inputs, 4 * inputs, 2 * inputs, classes)

    def forward(self, numbers: torch.Tensor, categories: torch.Tensor) -> torch.Tensor:
        """Logits [batch, classes]."""
        seen = self.blocks(self.table(categories)).flatten(1)
        y: torch.Tensor = self.head(torch.cat([seen, self.norm(numbers)], 1))
        return y


class _Glu(nn.Module):
    """A layer, its norm and a gate; several TabNet steps may share the layer."""

    def __init__(self, layer: nn.Linear, width: int) -> None:
        super().__init__()
        self.layer, self.norm = layer, nn.BatchNorm1d(2 * width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x`` [batch, inputs] to [batch, width]."""
        return functional.glu(self.norm(self.layer(x)))


def sparsemax(scores: torch.Tensor) -> torch.Tensor:
    """Scores [batch, features] projected on the simplex (Martins 2016): sorted, summed up, cut."""
    ordered = scores.sort(dim=-1, descending=True)[0]
    sums = ordered.cumsum(-1) - 1
    places = torch.arange(1, scores.shape[-1] + 1, dtype=scores.dtype)
    count = (places * ordered > sums).sum(-1, keepdim=True)
    cut = sums.gather(-1, count - 1) / count
    return torch.clamp(scores - cut, min=0)


class TabNet(nn.Module):
    """TabNet (Arik 2021): features chosen anew in each of several steps, two of a step's four layers shared."""

    def __init__(self, numbers: int, classes: int, *, width: int = 8, steps: int = 3) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(numbers)
        whole = 2 * width
        shared = [nn.Linear(numbers if n == 0 else whole, 2 * whole, bias=False) for n in range(2)]
        self.transformers = nn.ModuleList(self._transformer(shared, whole) for _ in range(steps + 1))
        self.choices = nn.ModuleList(
            nn.Sequential(nn.Linear(width, numbers, bias=False), nn.BatchNorm1d(numbers)) for _ in range(steps)
        )
        self.out, self.width = nn.Linear(width, classes, bias=False), width

    @staticmethod
    def _transformer(shared: list[nn.Linear], whole: int) -> nn.ModuleList:
        own = [nn.Linear(whole, 2 * whole, bias=False) for _ in range(2)]
        return nn.ModuleList(_Glu(layer, whole) for layer in (*shared, *own))

    @staticmethod
    def _through(layers: nn.Module, x: torch.Tensor) -> torch.Tensor:
        first, *rest = layers.children()
        x = first(x)
        for layer in rest:
            x = (x + layer(x)) * 0.5**0.5
        return x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of rows [batch, numbers]."""
        x = self.norm(x)
        prior = torch.ones_like(x)
        turned = self._through(self.transformers[0], x)[:, self.width :]
        total = None
        for number, choice in enumerate(self.choices):
            mask = sparsemax(choice(turned) * prior)
            prior = prior * (1.3 - mask)
            made = self._through(self.transformers[number + 1], mask * x)
            part, turned = functional.relu(made[:, : self.width]), made[:, self.width :]
            total = part if total is None else total + part
        y: torch.Tensor = self.out(total)
        return y


class CrossNetwork(nn.Module):
    """DCN v2 (Wang 2021): layers that cross all features beside dense ones, over vectors of the categories."""

    def __init__(
        self, numbers: int, categories: Sequence[int], *, width: int = 16, crosses: int = 3, dense: Sequence[int] = ()
    ) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(size, width) for size in categories)
        inputs = numbers + width * len(categories)
        self.crosses = nn.ModuleList(nn.Linear(inputs, inputs) for _ in range(crosses))
        self.deep = nn.Sequential(
            *(part for a, b in itertools.pairwise((inputs, *dense)) for part in (nn.Linear(a, b), nn.ReLU()))
        )
        self.out = nn.Linear(inputs + dense[-1], 1)

    def forward(self, numbers: torch.Tensor, categories: torch.Tensor) -> torch.Tensor:
        """Logits [batch, 1]."""
        vectors = [table(categories[:, n]) for n, table in enumerate(self.tables)]
        first = x = torch.cat([numbers, *vectors], 1)
        for layer in self.crosses:
            x = first * layer(x) + x
        y: torch.Tensor = self.out(torch.cat([x, self.deep(first)], 1))
        return y
