"""Translation and summaries: encoder–decoders of Hugging Face by configuration, trained on pairs of 128 tokens.

Parameter counts are those of the published checkpoints (their safetensors). Generation encodes once and then decodes a
token at a time; here the whole target passes at once, as in training.
"""

from __future__ import annotations

from typing import Any, Final

import torch

from whichgpu.zoo.building.blueprint import PRIME, Blueprint, Build, Capture, register, variants
from whichgpu.zoo.building.hugging_face import configured, next_token_loss, pairs

_LENGTH: Final = 128


def _with_own_head(build: Build) -> Build:
    """A model whose output layer is no longer its embedding: T5 1.1, which the library ties."""

    def built(batch: int) -> tuple[torch.nn.Module, Any]:
        model, inputs = build(batch)
        model.lm_head.weight = torch.nn.Parameter(torch.empty_like(model.shared.weight))
        return model, inputs

    return built


def _register(name: str, repository: str, published: str, architecture: str, config: str, **fields: Any) -> None:
    own_head = fields.get("tie_word_embeddings") is False

    def at_length(length: int) -> dict[str, Capture]:
        build = configured(architecture, config, pairs(length, length), use_cache=False, **fields)
        return variants(_with_own_head(build) if own_head else build, next_token_loss)

    register(
        Blueprint(
            name=name,
            category="translation",
            family="transformer",
            source=repository,
            published=published,
            at_length=at_length,
            block="translation",
            input=f"{_LENGTH} source and {_LENGTH} target tokens",
            sequence_length=_LENGTH,
            batch_size=16,
            optimizer="adamw",
            batches=(PRIME,),
        )
    )


def _t5(
    name: str, repository: str, published: str, width: int, layers: int, heads: int, inner: int, **fields: Any
) -> None:
    """T5 (Raffel 2020): relative positions inside the scores, no scaling: attention in separate kernels."""
    sizes = {"d_model": width, "num_layers": layers, "num_heads": heads, "d_ff": inner, "attention": "eager"}
    _register(name, repository, published, "T5ForConditionalGeneration", "T5Config", **sizes, **fields)


def _bart(
    name: str,
    repository: str,
    published: str,
    kind: str,
    width: int,
    layers: int,
    heads: int,
    inner: int,
    **fields: Any,
) -> None:
    """The layout of BART (Lewis 2020), which Marian, mBART, M2M-100 and Pegasus share."""
    sides = {
        f"{side}_{size}": value
        for side in ("encoder", "decoder")
        for size, value in (("layers", layers), ("attention_heads", heads), ("ffn_dim", inner))
    }
    _register(name, repository, published, f"{kind}", f"{_CONFIGS[kind]}", d_model=width, **sides, **fields)


_CONFIGS: Final = {
    "BartForConditionalGeneration": "BartConfig",
    "MarianMTModel": "MarianConfig",
    "MBartForConditionalGeneration": "MBartConfig",
    "M2M100ForConditionalGeneration": "M2M100Config",
    "PegasusForConditionalGeneration": "PegasusConfig",
}


def _register_all() -> None:
    _t5("t5-small", "google-t5/t5-small", "60506624", 512, 6, 8, 2048)
    _t5("t5-base", "google-t5/t5-base", "222903552", 768, 12, 12, 3072)
    _t5("t5-large", "google-t5/t5-large", "737668096", 1024, 24, 16, 4096)
    gated = {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
    _t5("flan-t5-small", "google/flan-t5-small", "76961152", 512, 8, 6, 1024, d_kv=64, **gated)
    _t5("flan-t5-base", "google/flan-t5-base", "247577856", 768, 12, 12, 2048, **gated)
    _t5("flan-t5-large", "google/flan-t5-large", "783150080", 1024, 24, 16, 2816, **gated)
    _t5("flan-t5-xl", "google/flan-t5-xl", "2849757184", 2048, 24, 32, 5120, **gated)
    bart = "BartForConditionalGeneration"
    _bart("bart-base", "facebook/bart-base", "139420416", bart, 768, 6, 12, 3072)
    _bart("bart-large", "facebook/bart-large", "406291456", bart, 1024, 12, 16, 4096)
    marian = {
        "vocab_size": 58101,
        "pad_token_id": 58100,
        "decoder_start_token_id": 58100,
        "max_position_embeddings": 512,
    }
    _bart("opus-mt-en-de", "Helsinki-NLP/opus-mt-en-de", "74.4M", "MarianMTModel", 512, 6, 8, 2048, **marian)
    mbart = "MBartForConditionalGeneration"
    _bart("mbart-large-50", "facebook/mbart-large-50", "610879488", mbart, 1024, 12, 16, 4096, vocab_size=250054)
    many = "M2M100ForConditionalGeneration"
    # Every layer runs: dropping 5 % of them at random is left out.
    every: dict[str, Any] = {"encoder_layerdrop": 0.0, "decoder_layerdrop": 0.0}
    _bart("m2m100-418m", "facebook/m2m100_418M", "483905536", many, 1024, 12, 16, 4096, vocab_size=128112, **every)
    _bart(
        "nllb-200-600m",
        "facebook/nllb-200-distilled-600M",
        "615073792",
        many,
        1024,
        12,
        16,
        4096,
        vocab_size=256206,
        **every,
    )
    pegasus = {"vocab_size": 96103, "max_position_embeddings": 1024}
    _bart(
        "pegasus-large",
        "google/pegasus-large",
        "570797056",
        "PegasusForConditionalGeneration",
        1024,
        16,
        16,
        4096,
        **pegasus,
    )


_register_all()
