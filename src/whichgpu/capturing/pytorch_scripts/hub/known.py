"""Configurations of well-known models by their ids, as fields of transformers' configuration classes.

Language models are those of the zoo's table. Encoders and encoder-decoders stand here as what differs from the defaults
of their class; each is the published ``config.json`` of the id (https://huggingface.co/ID), without what says nothing
of sizes. Parameters are compared with the published counts in a test.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

Fields = Mapping[str, Any]

_BASE: Final = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
_LARGE: Final = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
_ROBERTA: Final = {
    "model_type": "roberta",
    "vocab_size": 50265,
    "max_position_embeddings": 514,
    "type_vocab_size": 1,
    "pad_token_id": 1,
}
_XLM: Final = {**_ROBERTA, "model_type": "xlm-roberta", "vocab_size": 250002}
_MINI: Final = {"model_type": "bert", "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}
_DEBERTA: Final = {
    "model_type": "deberta-v2",
    "vocab_size": 128100,
    "relative_attention": True,
    "position_buckets": 256,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
    "type_vocab_size": 0,
    "max_relative_positions": -1,
}
_T5: Final = {"model_type": "t5", "vocab_size": 32128, "decoder_start_token_id": 0}
_FLAN: Final = {**_T5, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
_MARIAN: Final = {
    "model_type": "marian",
    "d_model": 512,
    **dict.fromkeys(("encoder_layers", "decoder_layers"), 6),
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 8),
    **dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim"), 2048),
    "max_position_embeddings": 512,
    "scale_embedding": True,
    "static_position_embeddings": True,
    "activation_function": "swish",
}
_OPT: Final = {"model_type": "opt", "vocab_size": 50272, "max_position_embeddings": 2048}
_VIT: Final = {"model_type": "vit", "image_size": 224, "patch_size": 16}
_SWIN: Final = {"model_type": "swin", "image_size": 224, "window_size": 7}
_WHISPER: Final = {"model_type": "whisper", "vocab_size": 51865, "num_mel_bins": 80}

FIELDS: Final[Mapping[str, Fields]] = {
    # name of the zoo, or of this table: fields
    "bert-base": {"model_type": "bert", **_BASE, "vocab_size": 30522},
    "bert-base-cased": {"model_type": "bert", **_BASE, "vocab_size": 28996},
    "bert-base-multilingual-cased": {"model_type": "bert", **_BASE, "vocab_size": 119547},
    "bert-base-multilingual-uncased": {"model_type": "bert", **_BASE, "vocab_size": 105879},
    "bert-base-chinese": {"model_type": "bert", **_BASE, "vocab_size": 21128},
    "bert-base-german-cased": {"model_type": "bert", **_BASE, "vocab_size": 30000},
    "bert-large": {"model_type": "bert", **_LARGE, "vocab_size": 30522},
    "bert-large-cased": {"model_type": "bert", **_LARGE, "vocab_size": 28996},
    "distilbert-base": {"model_type": "distilbert", "vocab_size": 30522},
    "distilbert-base-cased": {"model_type": "distilbert", "vocab_size": 28996},
    "distilbert-base-multilingual-cased": {"model_type": "distilbert", "vocab_size": 119547},
    "roberta-base": {**_ROBERTA, **_BASE},
    "roberta-large": {**_ROBERTA, **_LARGE},
    "distilroberta-base": {**_ROBERTA, **_BASE, "num_hidden_layers": 6},
    "xlm-roberta-base": {**_XLM, **_BASE},
    "xlm-roberta-large": {**_XLM, **_LARGE},
    "albert-base-v2": {"model_type": "albert", **_BASE, "embedding_size": 128, "vocab_size": 30000},
    "electra-small": {
        "model_type": "electra",
        "embedding_size": 128,
        "hidden_size": 256,
        "num_hidden_layers": 12,
        "num_attention_heads": 4,
        "intermediate_size": 1024,
    },
    "electra-base": {"model_type": "electra", **_BASE, "embedding_size": 768},
    "electra-large": {"model_type": "electra", **_LARGE, "embedding_size": 1024},
    "deberta-v3-small": {**_DEBERTA, **_BASE, "num_hidden_layers": 6},
    "deberta-v3-base": {**_DEBERTA, **_BASE},
    "deberta-v3-large": {**_DEBERTA, **_LARGE},
    "minilm-l6": {**_MINI, "num_hidden_layers": 6},
    "minilm-l12": {**_MINI, "num_hidden_layers": 12},
    "modernbert-base": {"model_type": "modernbert"},
    "t5-small": {**_T5, "d_model": 512, "d_ff": 2048, "num_layers": 6, "num_heads": 8},
    "t5-base": {**_T5, "d_model": 768, "d_ff": 3072, "num_layers": 12, "num_heads": 12},
    "t5-large": {**_T5, "d_model": 1024, "d_ff": 4096, "num_layers": 24, "num_heads": 16},
    "flan-t5-small": {**_FLAN, "d_model": 512, "d_ff": 1024, "num_layers": 8, "num_heads": 6},
    "flan-t5-base": {**_FLAN, "d_model": 768, "d_ff": 2048, "num_layers": 12, "num_heads": 12},
    "flan-t5-large": {**_FLAN, "d_model": 1024, "d_ff": 2816, "num_layers": 24, "num_heads": 16},
    "flan-t5-xl": {**_FLAN, "d_model": 2048, "d_ff": 5120, "num_layers": 24, "num_heads": 32},
    "bart-base": {
        "model_type": "bart",
        "d_model": 768,
        "encoder_layers": 6,
        "decoder_layers": 6,
        "encoder_attention_heads": 12,
        "decoder_attention_heads": 12,
        "encoder_ffn_dim": 3072,
        "decoder_ffn_dim": 3072,
    },
    "bart-large": {"model_type": "bart"},
    "opus-mt-en-de": {
        **_MARIAN,
        "vocab_size": 58101,
        "pad_token_id": 58100,
        "decoder_start_token_id": 58100,
    },
    "opus-mt-en-fr": {
        **_MARIAN,
        "vocab_size": 59514,
        "pad_token_id": 59513,
        "decoder_start_token_id": 59513,
    },
    "distilgpt2": {"model_type": "gpt2", "n_layer": 6, "vocab_size": 50257},
    "opt-125m": {**_OPT, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "ffn_dim": 3072},
    "opt-350m": {
        **_OPT,
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "ffn_dim": 4096,
        "word_embed_proj_dim": 512,
        "do_layer_norm_before": False,
    },
    "opt-1.3b": {**_OPT, "hidden_size": 2048, "num_hidden_layers": 24, "num_attention_heads": 32, "ffn_dim": 8192},
    "gpt-neo-125m": {
        "model_type": "gpt_neo",
        "hidden_size": 768,
        "num_layers": 12,
        "num_heads": 12,
        "attention_types": [[["global", "local"], 6]],
    },
    "bloom-560m": {"model_type": "bloom", "hidden_size": 1024, "n_layer": 24, "n_head": 16, "vocab_size": 250880},
    "vit_b_16": _VIT,
    "vit-large-16": {**_VIT, **_LARGE},
    "deit-base": {"model_type": "deit"},
    "resnet50": {"model_type": "resnet"},
    "swin-tiny": {**_SWIN, "embed_dim": 96, "depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24]},
    "convnext-tiny": {"model_type": "convnext"},
    "wav2vec2-base": {"model_type": "wav2vec2", "do_stable_layer_norm": False, "mask_time_prob": 0.05},
    "hubert-base": {"model_type": "hubert"},
    "whisper-tiny": {
        **_WHISPER,
        **dict.fromkeys(("encoder_layers", "decoder_layers"), 4),
        **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 6),
        **dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim"), 1536),
        "d_model": 384,
    },
    "whisper-small": {
        **_WHISPER,
        **dict.fromkeys(("encoder_layers", "decoder_layers"), 12),
        **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 12),
        **dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim"), 3072),
        "d_model": 768,
    },
}

IDS: Final[Mapping[str, str]] = {
    # id: name; beside the zoo's own names of ids
    "distilbert-base-uncased-distilled-squad": "distilbert-base",
    "bert-large-uncased-whole-word-masking": "bert-large",
    "dslim/bert-base-NER": "bert-base-cased",
    "dbmdz/bert-large-cased-finetuned-conll03-english": "bert-large-cased",
    "cardiffnlp/twitter-roberta-base-sentiment": "roberta-base",
    "cardiffnlp/twitter-roberta-base-sentiment-latest": "roberta-base",
    "google/vit-base-patch16-224-in21k": "vit_b_16",
    "google/vit-large-patch16-224": "vit-large-16",
    "facebook/deit-base-patch16-224": "vit_b_16",
    "facebook/deit-base-distilled-patch16-224": "deit-base",
    "microsoft/swin-tiny-patch4-window7-224": "swin-tiny",
    "facebook/convnext-tiny-224": "convnext-tiny",
    "albert-base-v2": "albert-base-v2",
    "sshleifer/distilbart-cnn-12-6": "bart-large",
    "facebook/bart-large-mnli": "bart-large",
    "Helsinki-NLP/opus-mt-en-fr": "opus-mt-en-fr",
    "EleutherAI/gpt-neo-125m": "gpt-neo-125m",
    "EleutherAI/gpt-neo-125M": "gpt-neo-125m",
    "bigscience/bloom-560m": "bloom-560m",
}

ORGANISATIONS: Final = frozenset(
    {"google-bert", "distilbert", "FacebookAI", "openai-community", "albert", "google-t5", "google", "facebook"}
)
"""Those under which ids of former days, which had none, are found today."""

HALVES: Final = {
    **dict.fromkeys(("llama", "mistral", "mixtral", "qwen2", "qwen3", "gemma", "gemma2", "phi3", "falcon"), "bfloat16"),
    **dict.fromkeys(("opt", "gpt_neox", "phi"), "float16"),
}
"""The type that checkpoints of a family are kept in, which transformers 5 loads them in; else float32."""


def fields_of(name: str) -> Fields | None:
    """The fields of the configuration of an id; None for one that nobody here knows."""
    plain = name.strip("/")
    short = plain.rpartition("/")[2] if plain.partition("/")[0] in ORGANISATIONS else plain
    for each in (plain, short):
        entry = IDS.get(each) or _ids().get(each) or each
        found = FIELDS.get(entry) or FIELDS.get(entry.removesuffix("-uncased")) or _language().get(entry)
        if found is not None:
            kind = str(found["model_type"])
            return {**found, "dtype": HALVES[kind]} if kind in HALVES else found
    return None


def known() -> list[str]:
    """Ids and names that have a configuration, for a message that says what is near."""
    return [*FIELDS, *IDS, *(name for name, entry in _ids().items() if entry in FIELDS or entry in _language())]


@functools.cache
def _ids() -> Mapping[str, str]:
    """The zoo's names by id: its other names, and ids that are the source of an entry."""
    named: dict[str, str] = {}
    for table in _toml("aliases").values():
        named.update({str(name): str(entry) for name, entry in table.items()})
    return {**{str(row["source"]): name for name, row in _toml("language_models").items()}, **named}


@functools.cache
def _language() -> Mapping[str, Fields]:
    """The zoo's language models that are told as fields of a configuration."""
    rows = _toml("language_models").items()
    return {name: {**row["config"], **_length(row)} for name, row in rows if "config" in row}


def _length(row: Mapping[str, Any]) -> dict[str, Any]:
    """The longest sequence, where the family says it in the usual field."""
    kind = row["config"].get("model_type")
    return {} if kind in ("gpt2", "t5") else {"max_position_embeddings": row["context"]}


@functools.cache
def _toml(name: str) -> Mapping[str, Any]:
    text = resources.files("whichgpu").joinpath("zoo", f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
