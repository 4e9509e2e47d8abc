"""Recommenders: embeddings of categories under small dense networks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch import nn
from torch.nn import functional

from whichgpu.capturing.losses import classification
from whichgpu.zoo.building.blueprint import Blueprint, register, variants

_CRITEO: Final = (
    *(1460, 583, 10_131_227, 2_202_608, 305, 24, 12_517, 633, 3, 93_145, 5_683, 8_351_593, 3_194),
    *(27, 14_992, 5_461_306, 10, 5_652, 2_173, 4, 7_046_547, 18, 15, 286_181, 105, 142_572),
)
"""Categories of the 26 features of Criteo's Kaggle data set (facebookresearch/dlrm)."""

_NUMBERS: Final = 13


def _dense(*widths: int) -> nn.Sequential:
    layers = [part for a, b in itertools.pairwise(widths) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


class _Categories(nn.Module):
    """A table for each feature; [batch, features, width] of numbers [batch, features]."""

    def __init__(self, counts: Sequence[int], width: int) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(count, width) for count in counts)

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """The features' vectors."""
        return torch.stack([table(numbers[:, index]) for index, table in enumerate(self.tables)], 1)


class _Dlrm(nn.Module):
    """Naumov 2019: products of all pairs of features between two dense networks."""

    def __init__(self) -> None:
        super().__init__()
        self.tables, self.bottom = _Categories(_CRITEO, 16), _dense(_NUMBERS, 512, 256, 64, 16)
        pairs = 27 * 26 // 2
        self.top = _dense(pairs + 16, 512, 256, 1)

    def forward(self, numbers: torch.Tensor, categories: torch.Tensor) -> torch.Tensor:
        """Logits [batch, 1]."""
        x = self.bottom(numbers)
        every = torch.cat([x.unsqueeze(1), self.tables(categories)], 1)
        rows, columns = torch.tril_indices(27, 27, -1)
        products = torch.bmm(every, every.transpose(1, 2))[:, rows, columns]
        y: torch.Tensor = self.top(torch.cat([x, products], 1))
        return y


class _Wide(nn.Module):
    """Wide & Deep (Cheng 2016), and with ``pairs`` DeepFM (Guo 2017): a linear part beside a dense network."""

    def __init__(self, *, pairs: bool) -> None:
        super().__init__()
        self.linear, self.tables = _Categories(_CRITEO, 1), _Categories(_CRITEO, 16)
        self.numbers, self.deep, self.pairs = (
            nn.Linear(_NUMBERS, 1),
            _dense(26 * 16 + _NUMBERS, 1024, 512, 256, 1),
            pairs,
        )

    def forward(self, numbers: torch.Tensor, categories: torch.Tensor) -> torch.Tensor:
        """Logits [batch, 1]."""
        vectors = self.tables(categories)
        total = self.linear(categories).sum(1) + self.numbers(numbers)
        if self.pairs:
            total = total + 0.5 * (vectors.sum(1).square() - vectors.square().sum(1)).sum(1, keepdim=True)
        y: torch.Tensor = total + self.deep(torch.cat([vectors.flatten(1), numbers], 1))
        return y


class _Tower(nn.Module):
    """Two dense towers whose products are logits over the batch (Yi 2019)."""

    def __init__(self) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(1_000_000, 64), nn.Embedding(100_000, 64)
        self.left, self.right = _dense(64, 256, 128), _dense(64, 256, 128)

    def forward(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """Similarities [batch, 1] of users and their items."""
        left = functional.normalize(self.left(self.users(users)), dim=1)
        right = functional.normalize(self.right(self.items(items)), dim=1)
        return (left * right).sum(1, keepdim=True)


class _SasRec(nn.Module):
    """SASRec (Kang 2018): two blocks of causal attention over the last 50 items."""

    def __init__(self, items: int = 54_542, width: int = 64, length: int = 50) -> None:
        super().__init__()
        self.items, self.places = nn.Embedding(items, width), nn.Embedding(length, width)
        layer = nn.TransformerEncoderLayer(width, 2, width, 0.2, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, history: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """Scores [batch, length] of the wanted items after each prefix of the history."""
        length = history.shape[1]
        x = self.items(history) * 8.0 + self.places(torch.arange(length))
        hidden = nn.Transformer.generate_square_subsequent_mask(length)
        return (self.blocks(x, mask=hidden, is_causal=True) * self.items(wanted)).sum(-1)


def _loss(output: Any) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(output, torch.zeros_like(output))


def _register(
    name: str,
    source: str,
    published: str,
    make: Callable[[], nn.Module],
    inputs: Callable[[int], Any],
    what: str,
    loss: Callable[[Any], torch.Tensor] = _loss,
    batch_size: int = 2048,
) -> None:
    register(
        Blueprint(
            name=name,
            category="recommendation",
            family="embedding",
            source=source,
            published=published,
            graphs=variants(lambda batch: (make(), inputs(batch)), loss),
            block="recommenders",
            input=what,
            batch_size=batch_size,
            optimizer="adam",
        )
    )


def _clicks(batch: int) -> Any:
    return torch.zeros(batch, _NUMBERS), torch.zeros(batch, 26, dtype=torch.long)


def _ids(*shape: int) -> Callable[[int], Any]:
    return lambda batch: tuple(torch.zeros(batch, *shape, dtype=torch.long) for _ in range(2))


class _Bert4Rec(nn.Module):
    """BERT4Rec (Sun 2019): two blocks over the last 200 items, some of them hidden; its scores use the items' table."""

    def __init__(self, items: int = 3418, width: int = 64, length: int = 200) -> None:
        super().__init__()
        self.items, self.places = nn.Embedding(items, width), nn.Embedding(length, width)
        self.norm = nn.LayerNorm(width)
        layer = nn.TransformerEncoderLayer(width, 2, 4 * width, 0.2, "gelu", batch_first=True)
        self.blocks = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.last, self.end, self.bias = nn.Linear(width, width), nn.LayerNorm(width), nn.Parameter(torch.zeros(items))

    def forward(self, history: torch.Tensor) -> torch.Tensor:
        """Scores [batch, length, items] of every item at every place."""
        x = self.norm(self.items(history) + self.places(torch.arange(history.shape[1])))
        x = self.end(functional.gelu(self.last(self.blocks(x))))
        return functional.linear(x, self.items.weight, self.bias)


def _next_item(output: Any) -> torch.Tensor:
    return classification(output.transpose(1, 2))


def _register_all() -> None:
    what = "13 numbers and 26 categories of an advertisement"
    source = "facebookresearch/dlrm, bench/dlrm_s_criteo_kaggle.sh"
    _register("dlrm-criteo-kaggle", source, "540677217", _Dlrm, _clicks, what)
    _register(
        "wide-and-deep", "Cheng 2016 on Criteo's features", "575060528", lambda: _Wide(pairs=False), _clicks, what
    )
    _register("deepfm", "Guo 2017 on Criteo's features", "575060528", lambda: _Wide(pairs=True), _clicks, what)
    source = "Yi 2019: a million users, a hundred thousand items"
    _register("two-tower", source, "70499072", _Tower, _ids(), "user and item numbers")
    source = "Kang 2018: Amazon Beauty's items, 50 of them a user"
    _register("sasrec", source, "3544320", _SasRec, _ids(50), "50 items")
    source = "Sun 2019: MovieLens 1M's items, 200 of them a user"
    _register("bert4rec", source, "339354", _Bert4Rec, _history, "200 items", _next_item, 256)


def _history(batch: int) -> tuple[torch.Tensor]:
    return (torch.zeros(batch, 200, dtype=torch.long),)


_register_all()
