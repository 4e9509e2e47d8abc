"""Decoders as LitGPT fine-tunes them: one product for queries, keys and values, norms in FP32, adapters beside layers.

What LitGPT computes in FP32 inside a model of BF16 has that element type here too, for it is what memory is made of.
Sources: Lightning-AI/litgpt, litgpt/model.py, litgpt/lora.py and litgpt/utils.py; adapters: Hu 2021, LoRA.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import nn
from torch.nn import functional

CHUNK: Final = 128
"""Tokens of a sequence whose logits are computed at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Sizes and choices of a decoder.

    ``rotary`` is the share of a head that turns. ``mlp`` is ``plain``, ``silu`` or ``gelu`` (the latter two gated).
    ``capped`` scores pass a tanh, for which attention runs in separate kernels; ``post_norms`` follow both halves.
    """

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_size: int
    feed_forward: int
    vocabulary: int
    rotary: float = 1.0
    norm: str = "rms"
    unit_offset: bool = False
    bias: bool = False
    head_bias: bool = False
    parallel: bool = False
    shared_norm: bool = False
    post_norms: bool = False
    mlp: str = "silu"
    scaled_embedding: bool = False
    capped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """Low-rank adapters: their rank, and whether the output, the feed-forward part and the head have some too.

    Queries and values always have them; ``every`` adds keys and all the rest.
    """

    rank: int
    every: bool


class _RmsNorm(nn.Module):
    """A norm by the root of the mean square, computed in FP32."""

    def __init__(self, width: int, unit_offset: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.unit_offset = unit_offset

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The norm of ``x`` [*, width] in its own element type."""
        wide = x.float()
        spread = torch.rsqrt(torch.mean(wide * wide, dim=-1, keepdim=True) + 1e-5)
        weight = 1 + self.weight if self.unit_offset else self.weight
        return (wide * spread * weight.float()).to(x.dtype)


class _LayerNorm(nn.LayerNorm):
    """A layer norm in the element type of what it reads."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The norm of ``x`` [*, width]."""
        weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
        return functional.layer_norm(x, self.normalized_shape, weight, bias, self.eps)


def _norm(design: Design) -> nn.Module:
    return _RmsNorm(design.hidden, design.unit_offset) if design.norm == "rms" else _LayerNorm(design.hidden)


class _Linear(nn.Module):
    """A linear layer with, where there is a rank, a narrow detour beside it."""

    def __init__(self, depth: int, width: int, bias: bool, rank: int) -> None:
        super().__init__()
        self.own = nn.Linear(depth, width, bias=bias)
        if rank:
            self.down = nn.Parameter(torch.zeros(rank, depth))
            self.up = nn.Parameter(torch.zeros(width, rank))
        self.rank = rank

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x`` [*, depth] to [*, width]."""
        read = x.to(torch.bfloat16)
        y: torch.Tensor = self.own(read).to(x.dtype)
        if not self.rank:
            return y
        dropped = functional.dropout(read, 0.05, self.training)
        return y + (dropped @ self.down.transpose(0, 1) @ self.up.transpose(0, 1)) * 0.5


class _Projections(nn.Module):
    """Queries, keys and values by one product; adapters widen it for those of the three that have them."""

    def __init__(self, design: Design, adapters: Adapters | None) -> None:
        super().__init__()
        widths = [design.head_size * heads for heads in (design.heads, design.kv_heads, design.kv_heads)]
        self.own = nn.Linear(design.hidden, sum(widths), bias=design.bias)
        self.widths = widths if adapters and adapters.every else [widths[0], widths[2]]
        self.padded = not (adapters and adapters.every)
        self.equal = design.heads == design.kv_heads
        self.rank = adapters.rank if adapters else 0
        if adapters:
            self.down = nn.Parameter(torch.zeros(self.rank * len(self.widths), design.hidden))
            self.up = nn.Parameter(torch.zeros(sum(self.widths), self.rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x`` [batch, tokens, hidden] to all three side by side."""
        read = x.to(torch.bfloat16)
        y: torch.Tensor = self.own(read).to(x.dtype)
        if not self.rank:
            return y
        narrow = functional.linear(functional.dropout(read, 0.05, self.training), self.down)
        wide = self._widened(narrow.transpose(-2, -1), self.up.unsqueeze(-1)).transpose(-2, -1)
        return y + self._between_zeros(wide, y.shape[-1]) * 0.5

    def _widened(self, narrow: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Each part's adapter by itself, as convolutions of width one over [batch, rank·parts, tokens]."""
        if self.equal:
            return functional.conv1d(narrow, weight, groups=len(self.widths))
        parts = zip(narrow.chunk(len(self.widths), dim=1), weight.split(self.widths), strict=True)
        return torch.cat([functional.conv1d(part, own) for part, own in parts], dim=1)

    def _between_zeros(self, x: torch.Tensor, width: int) -> torch.Tensor:
        """Updates at the places of what has adapters, zeros at those of the keys."""
        if not self.padded:
            return x
        across = x.transpose(0, 1)
        whole = across.new_zeros((*across.shape[:-1], width)).view(-1, width)
        places = torch.zeros(sum(self.widths), dtype=torch.long)
        filled = whole.index_copy(1, places, across.reshape(-1, sum(self.widths)))
        return filled.view(*across.shape[:-1], width).transpose(0, 1)


def _turned(x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    """Rotary positions over the last dimension, computed in FP32."""
    half = x.shape[-1] // 2
    rotated = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
    return (x * cosine + rotated * sine).to(x.dtype)


def _capped(x: torch.Tensor, limit: float) -> torch.Tensor:
    return torch.tanh(x / limit) * limit


class _Attention(nn.Module):
    def __init__(self, design: Design, adapters: Adapters | None) -> None:
        super().__init__()
        self.design = design
        self.qkv = _Projections(design, adapters)
        rank = adapters.rank if adapters and adapters.every else 0
        self.out = _Linear(design.heads * design.head_size, design.hidden, design.bias, rank)

    def forward(self, x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
        """``x`` [batch, tokens, hidden] after attention over its own past."""
        batch, tokens, _ = x.shape
        query, key, value = self._split(self.qkv(x))
        turn = int(self.design.rotary * self.design.head_size)
        query, key = (
            torch.cat((_turned(part[..., :turn], cosine, sine), part[..., turn:]), dim=-1) for part in (query, key)
        )
        seen = self._attended(query, key, value).transpose(1, 2)
        return self.out(seen.reshape(batch, tokens, -1))

    def _split(self, qkv: torch.Tensor) -> list[torch.Tensor]:
        """Queries, keys and values as [batch, heads, tokens, head size], keys and values repeated for all queries."""
        d = self.design
        batch, tokens, _ = qkv.shape
        shared = d.heads // d.kv_heads
        grouped = qkv.view(batch, tokens, d.kv_heads, shared + 2, d.head_size).permute(0, 2, 3, 1, 4)
        query, key, value = grouped.split((shared, 1, 1), dim=2)
        if shared > 1:
            key, value = (part.expand(batch, d.kv_heads, shared, tokens, d.head_size) for part in (key, value))
        return [part.reshape(batch, -1, tokens, d.head_size) for part in (query, key, value)]

    def _attended(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        if not self.design.capped:
            return functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        scores = _capped(query @ key.mT * query.shape[-1] ** -0.5, 50.0)
        hidden = torch.ones(query.shape[2], query.shape[2], dtype=query.dtype).triu(diagonal=1)
        scores = functional.softmax(scores + hidden, dim=-1, dtype=torch.float).to(query.dtype)
        return scores @ value


class _FeedForward(nn.Module):
    def __init__(self, design: Design, rank: int) -> None:
        super().__init__()
        gated = design.mlp != "plain"
        self.function = functional.silu if design.mlp == "silu" else functional.gelu
        self.gate = _Linear(design.hidden, design.feed_forward, design.bias, rank)
        self.up = _Linear(design.hidden, design.feed_forward, design.bias, rank) if gated else None
        self.down = _Linear(design.feed_forward, design.hidden, design.bias, rank)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x`` [*, hidden] through the wider layer and back."""
        gate = self.gate(x)
        if self.up is None:
            return self.down(self.function(gate))
        up = self.up(x)
        return self.down(self.function(gate) * up)


class _Block(nn.Module):
    def __init__(self, design: Design, adapters: Adapters | None) -> None:
        super().__init__()
        self.parallel = design.parallel
        self.before = _norm(design)
        self.attention = _Attention(design, adapters)
        self.between = None if design.shared_norm else _norm(design)
        self.feed_forward = _FeedForward(design, adapters.rank if adapters and adapters.every else 0)
        self.after = nn.ModuleList(_norm(design) if design.post_norms else nn.Identity() for _ in range(2))

    def forward(self, x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
        """``x`` [batch, tokens, hidden] after attention and the feed-forward part."""
        normed = self.before(x)
        seen = self.after[0](self.attention(normed, cosine, sine))
        if self.parallel and self.between is not None:
            normed = self.between(x)
        x = seen + x
        if not self.parallel and self.between is not None:
            normed = self.between(x)
        return self.after[1](self.feed_forward(normed)) + x


class AdaptedDecoder(nn.Module):
    """A decoder in BF16 that trains whole, or only adapters; its output is its loss.

    Where it is ``wide``, products and adapters read BF16 and what is between them is FP32.
    """

    def __init__(self, design: Design, adapters: Adapters | None, *, wide: bool = False) -> None:
        super().__init__()
        self.design, self.wide = design, wide
        rank = adapters.rank if adapters and adapters.every else 0
        self.embedding = nn.Embedding(design.vocabulary, design.hidden)
        self.blocks = nn.ModuleList(_Block(design, adapters) for _ in range(design.layers))
        self.norm = _norm(design)
        self.head = _Linear(design.hidden, design.vocabulary, design.head_bias, rank)
        if adapters:
            for name, parameter in self.named_parameters():
                parameter.requires_grad_(name.rpartition(".")[2] in ("down", "up"))

    def forward(
        self, ids: torch.Tensor, targets: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor
    ) -> torch.Tensor:
        """The mean loss of ``ids`` [batch, tokens] against the same tokens one place later."""
        x = self.embedding(ids)
        if self.wide:
            x = x.float()
        if self.design.scaled_embedding:
            x = x * self.design.hidden**0.5
        for block in self.blocks:
            x = block(x, cosine, sine)
        chunks = [self._logits(part) for part in self.norm(x).split(CHUNK, dim=1)]
        chunks[-1] = chunks[-1][:, :-1]
        wanted = targets[:, 1:]
        losses = [
            functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), part.reshape(-1), reduction="none")
            for logits, part in zip(chunks, wanted.split(CHUNK, dim=1), strict=True)
        ]
        return torch.cat(losses).sum() / (wanted != -100).sum()

    def _logits(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(x)
        return _capped(logits, 30.0) if self.design.capped else logits
