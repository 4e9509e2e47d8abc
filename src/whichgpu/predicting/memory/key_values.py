"""Bytes of the cache that generation keeps: keys and values of the tokens so far, by kind of attention."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionCache:
    """What decides a model's cache.

    ``key_heads`` are the heads that keys and values have (multi-query: 1; grouped: fewer than queries; full: as many).
    ``window`` is how many tokens a windowed layer sees, ``windowed_layers`` how many layers have one. ``latent`` is
    the width of multi-head latent attention's joint vector, its rotary part included: one for keys and values of all
    heads; 0 where keys and values are kept.
    """

    layers: int
    key_heads: int
    head_size: int
    value_size: int | None = None
    window: int = 0
    windowed_layers: int = 0
    latent: int = 0

    def elements_a_token(self) -> int:
        """Elements one layer keeps of one token."""
        if self.latent:
            return self.latent
        value = self.head_size if self.value_size is None else self.value_size
        return self.key_heads * (self.head_size + value)

    def bytes(self, *, batch_size: int, tokens: int, element_bytes: float) -> float:
        """Bytes for ``batch_size`` sequences of ``tokens`` tokens each."""
        full = self.layers - self.windowed_layers
        seen = full * tokens + self.windowed_layers * min(tokens, self.window or tokens)
        return float(batch_size * seen * self.elements_a_token()) * element_bytes
