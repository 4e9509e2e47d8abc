"""LitGPT's fine-tuning recipes: every model of its config hub, trained whole, by LoRA and by QLoRA, at 512 tokens.

Sources: Lightning-AI/litgpt at 26857050: config_hub/finetune/*/{full,lora,qlora}.yaml (rank, targets, micro batch) and
litgpt/config.py (sizes). LitGPT keeps an output layer of its own also where the published model shares the embedding.

Over quantised weights, products and adapters read BF16 and everything between them is FP32. No document says so: it is
what the peaks that LitGPT publishes for sixteen of these recipes have room for, and half of it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import torch

from whichgpu.zoo.building.blueprint import PRIME, Blueprint, register, training
from whichgpu.zoo.building.models.adapted_decoder import AdaptedDecoder, Adapters, Design

_TOKENS: Final = 512


def _llama(hidden: int, layers: int, heads: int, kv_heads: int, feed_forward: int, vocabulary: int) -> Design:
    return Design(
        hidden=hidden,
        layers=layers,
        heads=heads,
        kv_heads=kv_heads,
        head_size=hidden // heads,
        feed_forward=feed_forward,
        vocabulary=vocabulary,
    )


def _gemma(hidden: int, layers: int, heads: int, kv_heads: int, feed_forward: int, *, second: bool = False) -> Design:
    return Design(
        hidden=hidden,
        layers=layers,
        heads=heads,
        kv_heads=kv_heads,
        head_size=256,
        feed_forward=feed_forward,
        vocabulary=256_000,
        unit_offset=True,
        mlp="gelu",
        scaled_embedding=True,
        post_norms=second,
        capped=second,
    )


_FALCON: Final = Design(
    hidden=4544,
    layers=32,
    heads=71,
    kv_heads=1,
    head_size=64,
    feed_forward=18_176,
    vocabulary=65_024,
    norm="layer",
    parallel=True,
    shared_norm=True,
    mlp="plain",
)
_PHI_2: Final = Design(
    hidden=2560,
    layers=32,
    heads=32,
    kv_heads=32,
    head_size=80,
    feed_forward=10_240,
    vocabulary=51_200,
    rotary=0.4,
    norm="layer",
    bias=True,
    head_bias=True,
    parallel=True,
    shared_norm=True,
    mlp="plain",
)
_STABLELM: Final = Design(
    hidden=4096,
    layers=16,
    heads=32,
    kv_heads=32,
    head_size=128,
    feed_forward=16_384,
    vocabulary=50_688,
    rotary=0.25,
    norm="layer",
    bias=True,
    parallel=True,
    mlp="plain",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    """A folder of the config hub: the design, its published parameters, and micro batch and adapters of each recipe."""

    folder: str
    design: Design
    published: int
    tied: bool = False
    full: int | None = None
    lora: tuple[int, Adapters] | None = None
    qlora: tuple[int, Adapters] | None = None


_NARROW: Final = Adapters(rank=32, every=False)
_WIDE_8, _WIDE_16, _WIDE_32 = (Adapters(rank=rank, every=True) for rank in (8, 16, 32))
_LLAMA_3: Final = _llama(4096, 32, 32, 8, 14_336, 128_256)
_MISTRAL: Final = _llama(4096, 32, 32, 8, 14_336, 32_000)
_GEMMA_2B: Final = _gemma(2304, 26, 8, 4, 9216, second=True)

_MODELS: Final = (
    _Model(
        folder="falcon-7b", design=_FALCON, published=6_921_720_704, tied=True, lora=(1, _NARROW), qlora=(1, _NARROW)
    ),
    _Model(
        folder="gemma-2b",
        design=_gemma(2048, 18, 8, 1, 16_384),
        published=2_506_172_416,
        tied=True,
        full=1,
        lora=(2, _WIDE_8),
        qlora=(2, _WIDE_16),
    ),
    _Model(
        folder="gemma-7b",
        design=_gemma(3072, 28, 16, 16, 24_576),
        published=8_537_680_896,
        tied=True,
        lora=(1, _WIDE_16),
        qlora=(1, _WIDE_16),
    ),
    _Model(
        folder="gemma2-2b",
        design=_GEMMA_2B,
        published=2_614_341_888,
        tied=True,
        lora=(2, _WIDE_8),
        qlora=(2, _WIDE_16),
    ),
    _Model(
        folder="gemma2-9b",
        design=_gemma(3584, 42, 16, 8, 14_336, second=True),
        published=9_241_705_984,
        tied=True,
        lora=(1, _WIDE_16),
        qlora=(1, _WIDE_16),
    ),
    _Model(
        folder="llama-2-7b",
        design=_llama(4096, 32, 32, 32, 11_008, 32_000),
        published=6_738_415_616,
        full=4,
        lora=(2, _NARROW),
        qlora=(2, _NARROW),
    ),
    _Model(
        folder="llama-3-8b", design=_LLAMA_3, published=8_030_261_248, full=4, lora=(1, _NARROW), qlora=(2, _NARROW)
    ),
    _Model(
        folder="llama-3.1-8b", design=_LLAMA_3, published=8_030_261_248, full=4, lora=(1, _NARROW), qlora=(2, _NARROW)
    ),
    _Model(
        folder="llama-3.2-1b",
        design=_llama(2048, 16, 32, 8, 8192, 128_256),
        published=1_235_814_400,
        tied=True,
        full=4,
        lora=(1, _NARROW),
        qlora=(2, _NARROW),
    ),
    _Model(
        folder="llama-3.2-3b",
        design=_llama(3072, 28, 24, 8, 8192, 128_256),
        published=3_212_749_824,
        tied=True,
        full=4,
        lora=(1, _NARROW),
        qlora=(2, _NARROW),
    ),
    _Model(folder="mistral-7b", design=_MISTRAL, published=7_241_732_096, lora=(2, _NARROW), qlora=(2, _NARROW)),
    _Model(folder="mistral-7b-v0.2", design=_MISTRAL, published=7_241_732_096, lora=(2, _NARROW), qlora=(2, _NARROW)),
    _Model(folder="phi-2", design=_PHI_2, published=2_779_683_840, full=4, lora=(4, _WIDE_8), qlora=(4, _WIDE_8)),
    _Model(
        folder="phi-3",
        design=_llama(3072, 32, 32, 32, 8192, 32_064),
        published=3_821_079_552,
        full=4,
        lora=(4, _WIDE_8),
        qlora=(4, _WIDE_8),
    ),
    _Model(
        folder="stablelm-base-alpha-3b",
        design=_STABLELM,
        published=3_637_321_728,
        full=1,
        lora=(1, _NARROW),
        qlora=(1, _NARROW),
    ),
    _Model(
        folder="tiny-llama",
        design=_llama(2048, 22, 32, 4, 5632, 32_000),
        published=1_100_048_384,
        full=4,
        lora=(8, _WIDE_32),
        qlora=(8, _WIDE_32),
    ),
)


def adapter_parameters(design: Design, adapters: Adapters) -> int:
    """Parameters of all adapters: rank times depth plus width, for each layer that has one."""
    d = design
    queries, keys = d.heads * d.head_size, d.kv_heads * d.head_size
    sides = [(d.hidden, queries), (d.hidden, keys)]
    if adapters.every:
        sides += [(d.hidden, keys), (queries, d.hidden)]
        wide = 1 if d.mlp == "plain" else 2
        sides += [(d.hidden, d.feed_forward)] * wide + [(d.feed_forward, d.hidden)]
    block = sum(depth + width for depth, width in sides)
    head = d.hidden + d.vocabulary if adapters.every else 0
    return adapters.rank * (d.layers * block + head)


Inputs = tuple[torch.Tensor, ...]


def _build(design: Design, adapters: Adapters | None, *, wide: bool) -> Callable[[int], tuple[torch.nn.Module, Inputs]]:
    def build(batch: int) -> tuple[torch.nn.Module, Inputs]:
        ids = torch.zeros(batch, _TOKENS, dtype=torch.long)
        turns = torch.zeros(_TOKENS, int(design.rotary * design.head_size))
        return AdaptedDecoder(design, adapters, wide=wide).to(torch.bfloat16), (ids, ids.clone(), turns, turns.clone())

    return build


def _recipes(model: _Model) -> Mapping[str, tuple[int, Adapters | None]]:
    full = {} if model.full is None else {"full": (model.full, None)}
    narrow = {"lora": model.lora, "qlora": model.qlora}
    return {**full, **{method: recipe for method, recipe in narrow.items() if recipe is not None}}


def _register(model: _Model) -> None:
    design = model.design
    own = model.published + (design.vocabulary * design.hidden if model.tied else 0)
    for method, (batch, adapters) in _recipes(model).items():
        build = _build(design, adapters, wide=method == "qlora")
        register(
            Blueprint(
                name=f"litgpt-{model.folder}-{method}",
                category="language-model",
                family="transformer",
                source=f"Lightning-AI/litgpt, config_hub/finetune/{model.folder}/{method}.yaml",
                published=str(own + (adapter_parameters(design, adapters) if adapters else 0)),
                block=f"litgpt-{model.folder.partition('-')[0]}",
                graphs={"train": training(build)},
                input=f"{_TOKENS} tokens",
                sequence_length=_TOKENS,
                batch_size=batch,
                optimizer="paged-adamw" if method == "qlora" else "adamw",
                precision="bf16",
                weight_precision="nf4" if method == "qlora" else None,
                batches=(PRIME,),
            )
        )


for _model in _MODELS:
    _register(_model)
