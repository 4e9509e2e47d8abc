"""The dimensions that make a transformer, checked, and what is done with it in one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from whichgpu.errors import InvalidValue

LARGEST: Final[dict[str, int]] = {
    "hidden": 2**20,
    "layers": 1_000,
    "heads": 2**14,
    "kv_heads": 2**14,
    "head_size": 2**16,
    "feed_forward": 2**22,
    "vocabulary": 2**26,
    "positions": 2**26,
    "segments": 2**16,
    "experts": 2**13,
    "top_k": 2**13,
    "expert_feed_forward": 2**22,
    "shared_feed_forward": 2**22,
    "latent": 2**20,
    "query_latent": 2**20,
    "rotary_size": 2**16,
    "value_size": 2**16,
    "expert_period": 1_000,
    "window": 2**40,
}
"""The largest sizes that are still a model; beyond them a damaged file is likelier."""

REQUIRED: Final = ("hidden", "layers", "heads", "kv_heads", "head_size", "vocabulary")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimensions:
    """The sizes and choices that make a transformer.

    ``norm_place`` is where norms stand: ``pre`` a block, ``after`` it, ``both`` sides of it, or ``post`` its residual
    sum. ``parallel`` blocks compute attention and feed-forward from one input, with as many norms as ``block_norms``
    says. The first ``dense_layers`` of a mixture of experts have none, after them one in ``expert_period`` has some.
    One layer in ``window_period`` attends without the ``window``. ``norm_shift`` and the ``*_bias`` say which
    parameters exist; ``positions`` 0 is rotary. Attention with a ``latent`` keeps a vector so wide for a token, and
    ``rotary_size`` more, in place of keys and values (DeepSeek-AI 2024, section 2.1); its queries come from one of
    ``query_latent``, where there is one, and ``value_size`` is what a head sees.
    """

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_size: int
    feed_forward: int
    vocabulary: int
    causal: bool = True
    activation: str = "silu"
    gated: bool = True
    norm: str = "rms"
    norm_scale: bool = True
    norm_shift: bool = False
    norm_place: str = "pre"
    final_norm: bool = True
    embedding_norm: bool = False
    parallel: bool = False
    block_norms: int = 2
    qk_norm: bool = False
    qk_norm_width: str = "head"
    qk_norm_scale: bool = True
    sinks: bool = False
    fused_qkv: bool = False
    fused_gate: bool = False
    q_bias: bool = False
    kv_bias: bool = False
    out_bias: bool = False
    ff_bias: bool = False
    head: bool = True
    head_bias: bool = False
    head_transform: bool = False
    tied: bool = False
    pooler: bool = False
    positions: int = 0
    segments: int = 0
    experts: int = 0
    top_k: int = 0
    expert_feed_forward: int = 0
    shared_feed_forward: int = 0
    shared_gate: bool = False
    router_bias: bool = False
    expert_bias: bool = False
    dense_layers: int = 0
    expert_period: int = 1
    latent: int = 0
    query_latent: int = 0
    rotary_size: int = 0
    value_size: int = 0
    window: int = 0
    window_period: int = 1

    def __post_init__(self) -> None:
        for name, largest in LARGEST.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise _wrong(name, value, largest)
            if not (1 if name in REQUIRED else 0) <= value <= largest:
                raise _wrong(name, value, largest)
        if self.heads % self.kv_heads:
            raise InvalidValue(
                "{heads} heads cannot share {kv_heads} heads of keys and values",
                heads=self.heads,
                kv_heads=self.kv_heads,
                field="kv_heads",
            )
        if self.experts and not 1 <= self.top_k <= self.experts:
            raise _wrong("top_k", self.top_k, self.experts)
        if self.experts and not (self.expert_feed_forward or self.feed_forward):
            raise _wrong("expert_feed_forward", self.expert_feed_forward, LARGEST["expert_feed_forward"])


def _wrong(name: str, value: object, largest: int) -> InvalidValue:
    return InvalidValue(
        "{name} is {value!r}, but must be a whole number of at most {largest}",
        name=name,
        value=value,
        largest=largest,
        field=name,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is done with a transformer in one step: ``tokens`` a sequence come in, ``cached`` ones are known already.

    ``generate`` keeps keys and values in a cache; ``fused`` is whether attention is one kernel.
    """

    batch_size: int
    tokens: int
    cached: int = 0
    generate: bool = False
    train: bool = False
    fused: bool = True
