"""GNMT v2 (Wu 2016 as NVIDIA trains it): LSTM layers with residuals and attention of the first decoder layer."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class _Attention(nn.Module):
    """Normalised additive attention (Bahdanau 2014) of all target positions at once."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.vector = nn.Parameter(torch.empty(width))
        self.scale = nn.Parameter(torch.empty(1))
        self.shift = nn.Parameter(torch.empty(width))

    def forward(self, query: torch.Tensor, keys: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Contexts [target, batch, width] of queries of that shape over keys [source, batch, width]."""
        query, keys = query.transpose(0, 1), keys.transpose(0, 1)
        sums = self.query(query).unsqueeze(2) + self.key(keys).unsqueeze(1)
        sums = torch.tanh(sums + self.shift)
        scores = sums.matmul(self.vector / self.vector.norm() * self.scale)
        hidden = torch.arange(keys.shape[1]) >= lengths.unsqueeze(1)
        scores = scores.masked_fill(hidden.unsqueeze(1), -65504.0)
        return torch.bmm(functional.softmax(scores, dim=-1), keys).transpose(0, 1)


class Gnmt(nn.Module):
    """Encoder (the first layer in both directions) and decoder over a shared embedding, with smoothed cross entropy."""

    def __init__(self, vocabulary: int, width: int = 1024, layers: int = 4, dropout: float = 0.2) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        widths = [width, 2 * width, *[width] * (layers - 2)]
        self.encoder = nn.ModuleList(nn.LSTM(size, width, bidirectional=n == 0) for n, size in enumerate(widths))
        self.first = nn.LSTM(width, width)
        self.attention = _Attention(width)
        self.decoder = nn.ModuleList(nn.LSTM(2 * width, width) for _ in range(layers - 1))
        self.classifier = nn.Linear(width, vocabulary)
        self.dropout = nn.Dropout(dropout)

    def encoded(self, source: torch.Tensor) -> torch.Tensor:
        """States [source, batch, width]; residuals start at the third layer."""
        x = self.embedding(source)
        for number, layer in enumerate(self.encoder):
            above = layer(self.dropout(x))[0]
            x = above + x if number > 1 else above
        return x

    def forward(
        self, source: torch.Tensor, lengths: torch.Tensor, target: torch.Tensor, labels: torch.Tensor
    ) -> torch.Tensor:
        """The loss of target positions [target, batch] given the source [source, batch]."""
        states = self.encoded(source)
        x = self.first(self.embedding(target))[0]
        context = self.attention(x, states, lengths)
        for number, layer in enumerate(self.decoder):
            above = layer(torch.cat([self.dropout(x), context], dim=2))[0]
            x = above + x if number else above
        return self.smoothed(self.classifier(x), labels)

    def smoothed(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Cross entropy with a tenth of the weight spread over the vocabulary."""
        chances = functional.log_softmax(logits.view(-1, logits.shape[-1]), dim=-1)
        likelihood = -chances.gather(1, labels.reshape(-1, 1)).squeeze(1)
        spread = -chances.mean(dim=-1)
        return (0.9 * likelihood + 0.1 * spread).sum()
