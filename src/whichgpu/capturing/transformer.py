"""Transformers from their dimensions alone: encoder or decoder, dense or mixture of experts, as operator graphs.

No framework and no weights: a graph of any size is built in milliseconds. Sources of the layouts: Vaswani et al. 2017,
Devlin et al. 2018 (BERT), Radford et al. 2019 (GPT-2), Touvron et al. 2023 (Llama), Jiang et al. 2024 (Mixtral).
"""

from __future__ import annotations

import dataclasses

from whichgpu.capturing.dimensions import Dimensions, Run
from whichgpu.capturing.latent import latent_attention
from whichgpu.capturing.layers import Layers
from whichgpu.graph import Kind, OperatorGraph, with_slopes


def parameters(dimensions: Dimensions) -> int:
    """The number of parameters."""
    return graph(dimensions, Run(batch_size=1, tokens=1)).parameters


def graph(dimensions: Dimensions, run: Run) -> OperatorGraph:
    """The graph of one step at one batch size."""
    model = _Transformer(dimensions, run)
    model.build()
    return model.layers.finish()


def scalable_graph(dimensions: Dimensions, run: Run) -> OperatorGraph:
    """The graph of one step with the slopes of its sizes in the batch."""
    more = dataclasses.replace(run, batch_size=run.batch_size + 1)
    return with_slopes(graph(dimensions, run), graph(dimensions, more))


class _Transformer:
    """One transformer being built; tensors between blocks are [batch, tokens, hidden]."""

    def __init__(self, dimensions: Dimensions, run: Run) -> None:
        self.d = dimensions
        self.run = run
        self.layers = Layers(run.batch_size, train=run.train)

    def build(self) -> None:
        """All operators of the step."""
        d, scope = self.d, self.layers.graph.scope
        x, table = self._embedded()
        for number in range(d.layers):
            with scope("layers", str(number)):
                x = self._block(x, number)
        if d.final_norm:
            with scope("norm"):
                x = self._norm(x)
        results = [x]
        if d.pooler:
            with scope("pooler"):
                results.append(self._pooled(x))
        if d.head:
            with scope("head"):
                self._head(x, table)
        elif self.run.train:
            # Without a head there is no loss: the sum of the means of all results stands for it, as in traced models.
            with scope("loss"):
                for result in results:
                    self.layers.mean(result)

    def _embedded(self) -> tuple[int, int]:
        """Tokens (with positions and segments) as vectors, and the table of tokens."""
        d, layers, run = self.d, self.layers, self.run
        with layers.graph.scope("embedding"):
            table = layers.weight(d.vocabulary, d.hidden)
            ids = layers.input((run.batch_size, run.tokens), "int64")
            x = layers.embedding(table, ids)
            for count in (d.positions, d.segments):
                if count:
                    more = layers.embedding(layers.weight(count, d.hidden), ids)
                    x = layers.elementwise("add", x, more)
            if d.embedding_norm:
                x = self._norm(x)
        return x, table

    def _norm(self, x: int, width: int | None = None) -> int:
        d, width = self.d, width or self.d.hidden
        count = int(d.norm_scale) + int(d.norm_shift)
        return self.layers.norm(d.norm, x, *(self.layers.weight(width) for _ in range(count)))

    def _linear(self, x: int, width: int, bias: bool, name: str) -> int:
        """A linear layer called ``name``, as transformers names them."""
        layers = self.layers
        with layers.graph.scope(name):
            weight = layers.weight(width, layers.graph.shape(x)[-1])
            return layers.linear(x, weight, layers.weight(width) if bias else None)

    def _block(self, x: int, number: int) -> int:
        d, add = self.d, self.layers.elementwise
        if d.parallel:
            y = self._norm(x)
            z = y if d.block_norms == 1 else self._norm(x)
            return add("add", x, add("add", self._attention(y, number), self._feed_forward(z, number)))
        for part in (self._attention, self._feed_forward):
            y = x if d.norm_place in ("post", "after") else self._norm(x)
            y = part(y, number)
            if d.norm_place in ("both", "after"):
                y = self._norm(y)
            x = add("add", x, y)
            if d.norm_place == "post":
                x = self._norm(x)
        return x

    def _attention(self, x: int, number: int) -> int:
        d, layers, run = self.d, self.layers, self.run
        with layers.graph.scope("attention"):
            if d.latent:
                return latent_attention(layers, d, run, x)
            if d.sinks:
                layers.weight(d.heads)
            q, k, v = self._projections(x)
            if d.qk_norm:
                q, k = (self._head_norm(part) for part in (q, k))
            if not d.positions:
                q, k = (layers.elementwise("rotary", part) for part in (q, k))
            q, k, v = (self._heads_first(part) for part in (q, k, v))
            full = d.window_period > 1 and (number + 1) % d.window_period == 0
            window = 0 if full else d.window
            if run.generate:
                k, v = self._cached(k, window), self._cached(v, window)
            o = layers.attention(q, k, v, causal=d.causal, window=window, fused=run.fused)
            o = layers.view(o, (run.batch_size, run.tokens, d.heads * d.head_size))
            return self._linear(o, d.hidden, d.out_bias, "o_proj")

    def _projections(self, x: int) -> list[int]:
        """Queries, keys and values as [batch, tokens, heads, head size]."""
        d, run = self.d, self.run
        shapes = [(run.batch_size, run.tokens, heads, d.head_size) for heads in (d.heads, d.kv_heads, d.kv_heads)]
        if d.fused_qkv:
            whole = self._linear(x, (d.heads + 2 * d.kv_heads) * d.head_size, d.q_bias, "qkv_proj")
            return self.layers.split(whole, *shapes)
        made = [self._linear(x, d.heads * d.head_size, d.q_bias, "q_proj")]
        made += [self._linear(x, d.kv_heads * d.head_size, d.kv_bias, name) for name in ("k_proj", "v_proj")]
        return [self.layers.view(part, shape) for part, shape in zip(made, shapes, strict=True)]

    def _head_norm(self, x: int) -> int:
        """A norm of queries or keys, over each head or over all heads together."""
        shape = self.layers.graph.shape(x)
        if not self.d.qk_norm_scale:
            return self.layers.norm(self.d.norm, x)
        if self.d.qk_norm_width == "head":
            return self._norm(x, shape[-1])
        flat = self.layers.view(x, (*shape[:2], shape[2] * shape[3]))
        return self.layers.view(self._norm(flat, shape[2] * shape[3]), shape)

    def _heads_first(self, x: int) -> int:
        batch, tokens, heads, size = self.layers.graph.shape(x)
        return self.layers.view(x, (batch, heads, tokens, size))

    def _cached(self, x: int, window: int) -> int:
        """Keys or values of all tokens that are seen, after the new ones were written into the cache.

        A layer with a window keeps what its window holds. Where nothing was cached, attention reads the new ones.
        """
        graph, run = self.layers.graph, self.run
        batch, heads, tokens, size = graph.shape(x)
        kept = min(run.cached + tokens, window or run.cached + tokens)
        cache = self.layers.cache((batch, heads, kept, size))
        new = (batch, heads, min(tokens, kept), size)
        graph.operator(Kind.COPY, "cache", [graph.view(x, new)], [graph.view(cache, new)], reason="contiguous")
        return cache if run.cached else x

    def _feed_forward(self, x: int, number: int) -> int:
        d, layers = self.d, self.layers
        with layers.graph.scope("feed_forward"):
            if d.experts and number >= d.dense_layers and (number + 1) % d.expert_period == 0:
                return self._mixture(x)
            return self._dense(x, d.feed_forward, d.ff_bias)

    def _dense(self, x: int, width: int, bias: bool) -> int:
        d, layers = self.d, self.layers
        if d.gated and d.fused_gate:
            whole = self._linear(x, 2 * width, bias, "gate_up_proj")
            half = (*layers.graph.shape(whole)[:-1], width)
            y = layers.elementwise(d.activation, *layers.split(whole, half, half))
        elif d.gated:
            gate, up = (self._linear(x, width, bias, name) for name in ("gate_proj", "up_proj"))
            y = layers.elementwise(d.activation, gate, up)
        else:
            y = layers.elementwise(d.activation, self._linear(x, width, bias, "up_proj"))
        return self._linear(y, d.hidden, bias, "down_proj")

    def _mixture(self, x: int) -> int:
        """Experts chosen by a router for each token, and a shared one that all tokens pass."""
        d, layers, run = self.d, self.layers, self.run
        rows = run.batch_size * run.tokens
        flat = layers.view(x, (rows, d.hidden))
        layers.choose(self._linear(flat, d.experts, d.router_bias, "router"), d.top_k)
        width = d.expert_feed_forward or d.feed_forward
        inner = [self._expert(flat, width, d.top_k) for _ in range(2 if d.gated else 1)]
        parts = self._expert(layers.elementwise(d.activation, *inner), d.hidden, 1)
        y = layers.view(layers.combine(parts, rows), (run.batch_size, run.tokens, d.hidden))
        if d.shared_feed_forward:
            shared = self._dense(x, d.shared_feed_forward, d.ff_bias)
            if d.shared_gate:
                shared = layers.elementwise("mul", shared, self._linear(x, 1, False, "shared_gate"))
            y = layers.elementwise("add", y, shared)
        return y

    def _expert(self, x: int, width: int, top_k: int) -> int:
        """Rows of ``x`` [t, k] through the experts chosen for each: [t·top_k, width]."""
        d, layers = self.d, self.layers
        y = layers.experts(x, layers.weight(d.experts, layers.graph.shape(x)[-1], width), top_k)
        return layers.elementwise("add", y, layers.weight(d.experts, width)) if d.expert_bias else y

    def _pooled(self, x: int) -> int:
        """The first token's vector through a layer with tanh (BERT)."""
        first = self.layers.view(x, (self.run.batch_size, self.d.hidden))
        return self.layers.elementwise("tanh", self._linear(first, self.d.hidden, True, "dense"))

    def _head(self, x: int, table: int) -> None:
        """Logits of every token, in training with their loss; where text is generated, of the last token alone."""
        d, layers, run = self.d, self.layers, self.run
        if run.generate:
            x = layers.view(x, (run.batch_size, 1, d.hidden))
        if d.head_transform:
            x = self._norm(layers.elementwise(d.activation, self._linear(x, d.hidden, True, "dense")))
        weight = table if d.tied else layers.weight(d.vocabulary, d.hidden)
        logits = layers.linear(x, weight, layers.weight(d.vocabulary) if d.head_bias else None)
        if run.train:
            rows = run.batch_size * run.tokens
            targets = layers.input((rows,), "int64")
            layers.cross_entropy(layers.view(logits, (rows, d.vocabulary)), targets)
