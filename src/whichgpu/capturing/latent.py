"""Multi-head latent attention: keys and values of all heads come from one vector a token.

Source: DeepSeek-AI 2024, DeepSeek-V2, section 2.1. Training and prefill widen the vector into keys and values. Decoding
never does: what would widen keys turns queries instead, what would widen values turns what was seen, and attention runs
over the cached vectors as over one head that all share.
"""

from __future__ import annotations

from typing import Final

from whichgpu.capturing.dimensions import Dimensions, Run
from whichgpu.capturing.layers import Layers
from whichgpu.graph import Kind

LARGEST_FUSED_HEAD: Final = 576
"""Largest head of the kernels made for it (deepseek-ai/FlashMLA: 512 and 64 rotary)."""


def latent_attention(layers: Layers, d: Dimensions, run: Run, x: int) -> int:
    """``x`` [batch, tokens, hidden] after attention, and in generation the cache of vectors written."""
    return _Latent(layers, d, run).attended(x)


class _Latent:
    """One layer's attention; ``plain`` is the part of a head without positions."""

    def __init__(self, layers: Layers, d: Dimensions, run: Run) -> None:
        self.layers, self.d, self.run = layers, d, run
        self.plain = d.head_size - d.rotary_size
        self.lead = (run.batch_size, run.tokens)

    def attended(self, x: int) -> int:
        """Attention with its projections."""
        d, layers = self.d, self.layers
        queries = self._queries(x)
        both = self._linear(x, d.latent + d.rotary_size, "kv_a_proj_with_mqa")
        latent, key = layers.split(both, (*self.lead, d.latent), (*self.lead, 1, d.rotary_size))
        latent = layers.norm("rms", latent, layers.weight(d.latent))
        key = layers.elementwise("rotary", key)
        widening = layers.weight(d.heads * (self.plain + d.value_size), d.latent)
        cache = self._cached(latent, key) if self.run.generate else None
        if cache is not None and self.run.cached:
            seen = self._over_vectors(queries, widening, cache)
        else:
            with layers.graph.scope("kv_b_proj"):
                widened = layers.linear(latent, widening)
            seen = self._over_heads(queries, widened, key)
        flat = layers.view(seen, (*self.lead, d.heads * d.value_size))
        return self._linear(flat, d.hidden, "o_proj")

    def _linear(self, x: int, width: int, name: str) -> int:
        """A linear layer called ``name``, as transformers names them."""
        with self.layers.graph.scope(name):
            return self.layers.linear(x, self.layers.weight(width, self.layers.graph.shape(x)[-1]))

    def _queries(self, x: int) -> list[int]:
        """The parts of queries without and with positions: [batch, tokens, heads, …]."""
        d, layers = self.d, self.layers
        if d.query_latent:
            x = layers.norm("rms", self._linear(x, d.query_latent, "q_a_proj"), layers.weight(d.query_latent))
        whole = self._linear(x, d.heads * d.head_size, "q_b_proj" if d.query_latent else "q_proj")
        plain, turned = layers.split(whole, (*self.lead, d.heads, self.plain), (*self.lead, d.heads, d.rotary_size))
        return [plain, layers.elementwise("rotary", turned)]

    def _cached(self, latent: int, key: int) -> int:
        """The vectors of all tokens so far [batch, 1, tokens, latent + rotary], after the new ones were written."""
        d, graph, run = self.d, self.layers.graph, self.run
        cache = self.layers.cache((run.batch_size, 1, run.cached + run.tokens, d.latent + d.rotary_size))
        new = graph.view(cache, (*self.lead, d.latent + d.rotary_size))
        graph.operator(Kind.COPY, "cache", [latent, key], [new], reason="concatenate")
        return cache

    def _over_heads(self, queries: list[int], widened: int, key: int) -> int:
        """Attention over keys and values of every head [batch, heads, tokens, …]."""
        d, layers = self.d, self.layers
        shapes = [(*self.lead, d.heads, size) for size in (self.plain, d.value_size)]
        plain, value = layers.split(widened, *shapes)
        whole = (*self.lead, d.heads, d.head_size)
        q, k = layers.joined(queries, whole), layers.joined([plain, key], whole)
        q, k, v = (self._heads_first(part) for part in (q, k, value))
        return layers.attention(q, k, v, causal=d.causal, fused=self.run.fused)

    def _heads_first(self, x: int) -> int:
        batch, tokens, heads, size = self.layers.graph.shape(x)
        return self.layers.view(x, (batch, heads, tokens, size))

    def _over_vectors(self, queries: list[int], widening: int, cache: int) -> int:
        """Attention of turned queries over the cached vectors, which are keys and, without positions, values."""
        d, layers, run = self.d, self.layers, self.run
        graph, rows = layers.graph, run.batch_size * run.tokens
        plain = graph.view(queries[0], (d.heads, rows, self.plain))
        turned = graph.tensor((d.heads, rows, d.latent))
        to_keys = graph.view(widening, (d.heads, self.plain, d.latent))
        graph.operator(Kind.GEMM, "bmm", [plain, to_keys], [turned])
        q = layers.joined([turned, queries[1]], (run.batch_size, d.heads, run.tokens, d.latent + d.rotary_size))
        values = graph.view(cache, (run.batch_size, 1, run.cached + run.tokens, d.latent))
        seen = layers.attention(
            q, cache, values, causal=d.causal, fused=run.fused, largest=LARGEST_FUSED_HEAD, values_in_keys=True
        )
        made = graph.tensor((d.heads, rows, d.value_size))
        to_values = graph.view(widening, (d.heads, d.latent, d.value_size))
        graph.operator(Kind.GEMM, "bmm", [graph.view(seen, (d.heads, rows, d.latent)), to_values], [made])
        return made
