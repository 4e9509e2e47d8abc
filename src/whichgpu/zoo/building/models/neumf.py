"""Neural collaborative filtering: NeuMF (He 2017), matrix factorisation beside a perceptron."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional


class NeuMf(nn.Module):
    """Scores of (user, item) pairs; with ``samples``, the items and the order of an epoch are drawn on the device."""

    def __init__(
        self,
        *,
        users: int,
        items: int,
        factors: int,
        layers: Sequence[int],
        dropout: float = 0.0,
        samples: bool = False,
    ) -> None:
        super().__init__()
        half = layers[0] // 2
        self.factors = nn.ModuleList([nn.Embedding(users, factors), nn.Embedding(items, factors)])
        self.features = nn.ModuleList([nn.Embedding(users, half), nn.Embedding(items, half)])
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(layers))
        self.final = nn.Linear(layers[-1] + factors, 1)
        self.items, self.dropout, self.samples = items, dropout, samples

    def forward(self, users: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The loss of pairs against labels [pairs, 1], or in evaluation their scores."""
        users, items, labels = self.drawn(users, labels)
        product = self.factors[0](users) * self.factors[1](items)
        x = torch.cat([self.features[0](users), self.features[1](items)], dim=1)
        for layer in self.layers:
            x = functional.relu(layer(x))
            if self.dropout:
                x = functional.dropout(x, self.dropout, self.training)
        scores = self.final(torch.cat([product, x], dim=1))
        if not self.training:
            return torch.sigmoid(scores)
        return functional.binary_cross_entropy_with_logits(scores, labels)

    def drawn(self, users: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Users, items and labels of a batch: its share of the epoch's drawing and shuffling."""
        items = torch.randint(0, self.items, users.shape, dtype=torch.int32)
        if not self.samples or not self.training:
            return users, items, labels
        order = torch.randperm(users.shape[0])
        return users[order], items[order], labels[order]
