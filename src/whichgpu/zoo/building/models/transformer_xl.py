"""Transformer-XL (Dai 2019): relative positions and a memory of the segment before; attention in separate kernels."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class _Attention(nn.Module):
    """Relative attention with partly learnable positions."""

    def __init__(self, width: int, heads: int, dropout: float, attention_dropout: float) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.positions = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.norm = nn.LayerNorm(width)
        self.heads, self.dropout, self.attention_dropout = heads, dropout, attention_dropout

    def forward(
        self,
        x: torch.Tensor,
        positions: torch.Tensor,
        biases: nn.ParameterList,
        hidden: torch.Tensor,
        memory: torch.Tensor,
    ) -> torch.Tensor:
        """States [length, batch, width] after attention over memory and themselves."""
        length, batch, width = x.shape
        seen = torch.cat([memory, x], 0)
        query, key, value = self.qkv(seen).chunk(3, dim=-1)
        shape = (batch, self.heads, width // self.heads)
        query = query[-length:].view(length, *shape)
        key, value = key.view(len(seen), *shape), value.view(len(seen), *shape)
        where = self.positions(positions).view(len(seen), *shape[1:])
        content = torch.einsum("ibnd,jbnd->bnij", query + biases[0], key)
        distance = _shifted(torch.einsum("ibnd,jnd->bnij", query + biases[1], where))
        scores = (content + distance) * shape[2] ** -0.5
        scores = scores.masked_fill_(hidden, float("-inf"))
        weights = functional.dropout(functional.softmax(scores, dim=3), self.attention_dropout, self.training)
        seen = torch.einsum("bnij,jbnd->ibnd", weights, value).contiguous().view(length, batch, width)
        return self.norm(x + functional.dropout(self.out(seen), self.dropout, self.training))


def _shifted(scores: torch.Tensor) -> torch.Tensor:
    """Scores by distance moved to scores by position: pad a column, fold it, cut a row."""
    batch, heads, queries, keys = scores.shape
    padded = torch.cat([scores.new_zeros(batch, heads, queries, 1), scores], dim=3)
    return padded.view(batch, heads, keys + 1, queries)[:, :, 1:].view_as(scores)


class _Layer(nn.Module):
    """Attention, then a feed-forward part, each with a residual and a norm after it."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float, attention_dropout: float) -> None:
        super().__init__()
        self.attention = _Attention(width, heads, dropout, attention_dropout)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: torch.Tensor,
        positions: torch.Tensor,
        biases: nn.ParameterList,
        hidden: torch.Tensor,
        memory: torch.Tensor,
    ) -> torch.Tensor:
        """States [length, batch, width] after the layer."""
        x = self.attention(x, positions, biases, hidden, memory)
        inner = self.dropout(functional.relu_(self.up(x)))
        return self.norm(x + self.dropout(self.down(inner)))


class TransformerXl(nn.Module):
    """A language model whose softmax is over the whole vocabulary and tied to its embedding."""

    def __init__(
        self,
        *,
        vocabulary: int,
        layers: int,
        width: int,
        heads: int,
        inner: int,
        dropout: float,
        attention_dropout: float,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.bias = nn.Parameter(torch.empty(vocabulary))
        self.biases = nn.ParameterList(torch.empty(heads, width // heads) for _ in range(2))
        self.layers = nn.ModuleList(_Layer(width, heads, inner, dropout, attention_dropout) for _ in range(layers))
        self.dropout = nn.Dropout(dropout)
        self.width = width

    def positions(self, length: int) -> torch.Tensor:
        """Sinusoids [length, 1, width], the farthest position first."""
        rates = 1.0 / (10000 ** (torch.arange(0.0, self.width, 2.0) / self.width))
        angles = torch.outer(torch.arange(length - 1, -1, -1.0), rates)
        return torch.cat([angles.sin(), angles.cos()], dim=-1)[:, None]

    def forward(self, ids: torch.Tensor, labels: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        """The loss of tokens [length, batch] after a memory [layers, length, batch, width]."""
        x = self.dropout(self.embedding(ids).mul_(self.width**0.5))
        seen = memory.shape[1] + len(ids)
        hidden = torch.triu(torch.ones(len(ids), seen), diagonal=1 + memory.shape[1]).bool()
        positions = self.dropout(self.positions(seen))
        before = []
        for layer, remembered in zip(self.layers, memory, strict=True):
            before.append(x.detach())
            x = layer(x, positions, self.biases, hidden, remembered)
        torch.stack(before)
        logits = functional.linear(self.dropout(x).view(-1, self.width), self.embedding.weight, self.bias)
        chances = functional.log_softmax(logits, dim=-1)
        return -chances.gather(1, labels.view(-1, 1)).squeeze(1).mean()
