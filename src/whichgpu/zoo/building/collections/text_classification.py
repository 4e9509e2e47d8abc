"""Encoders of text under a classifier of two labels, as they are fine-tuned: Hugging Face's by configuration.

Parameter counts are those of the published checkpoints (their safetensors) with the classifier of the same library.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import nn

from whichgpu.capturing.losses import classification
from whichgpu.zoo.building.blueprint import PRIME, Blueprint, Capture, register, training, variants
from whichgpu.zoo.building.hugging_face import configured, text, transformers

_LENGTH: Final = 128

_BASE: Final = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
_LARGE: Final = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
_ROBERTA: Final = {"vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1, "pad_token_id": 1}
_XLM: Final = {**_ROBERTA, "vocab_size": 250002}
_MINI: Final = {"hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}
_DEBERTA: Final = {
    "vocab_size": 128100,
    "relative_attention": True,
    "position_buckets": 256,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
    "type_vocab_size": 0,
    "max_relative_positions": -1,
    "pooler_hidden_size": 768,
    "attention": "eager",
    "problem_type": "single_label_classification",
}


def _register(name: str, source: str, published: str, at_length: Any, batch_size: int = 32) -> None:
    register(
        Blueprint(
            name=name,
            category="text-classification",
            family="transformer",
            source=source,
            published=published,
            at_length=at_length,
            block="text-classification",
            input=f"{_LENGTH} tokens",
            sequence_length=_LENGTH,
            batch_size=batch_size,
            optimizer="adamw",
            batches=(PRIME,),
        )
    )


def _encoder(
    name: str, repository: str, published: str, kind: str, fields: Mapping[str, Any], *, mask: bool = True
) -> None:
    def at_length(length: int) -> dict[str, Capture]:
        inputs = text(length, mask=mask, labels=0)
        return variants(configured(f"{kind}ForSequenceClassification", f"{kind}Config", inputs, **fields))

    _register(name, f"{repository}, two labels, {_LENGTH} tokens", published, at_length)


class _Headed(nn.Module):
    """An encoder without gradients under a layer that trains on its first token's vector."""

    def __init__(self, encoder: nn.Module, width: int) -> None:
        super().__init__()
        self.encoder, self.head = encoder.requires_grad_(False), nn.Linear(width, 2)

    def train(self, mode: bool = True) -> _Headed:
        """Only the head trains."""
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Logits [batch, 2]."""
        with torch.no_grad():
            seen = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        logits: torch.Tensor = self.head(seen[:, 0])
        return logits


def _frozen() -> None:
    def at_length(length: int) -> dict[str, Capture]:
        def build(batch: int) -> tuple[nn.Module, Any]:
            library = transformers()
            encoder = library.BertModel(library.BertConfig(), add_pooling_layer=False)
            return _Headed(encoder, 768), text(length)(batch)

        return variants(build, classification)

    _register(
        "bert-base-frozen",
        f"google-bert/bert-base-uncased without its pooler, frozen; a layer of two labels trains, {_LENGTH} tokens",
        "108893186",
        at_length,
    )


def _cached() -> None:
    def build(batch: int) -> tuple[nn.Module, Any]:
        return nn.Linear(768, 2), torch.zeros(batch, 768)

    register(
        Blueprint(
            name="bert-base-cached-features",
            category="transfer-learning",
            family="transformer",
            source="google-bert/bert-base-uncased: vectors of texts computed once; a layer of two labels trains",
            published="1538",
            graphs={"train": training(build, classification)},
            block="text-classification",
            input="768 features",
            batch_size=256,
            optimizer="adamw",
        )
    )


def _register_all() -> None:
    _encoder("bert-large", "google-bert/bert-large-uncased", "335143938", "Bert", _LARGE)
    _encoder("roberta-base", "FacebookAI/roberta-base", "124647170", "Roberta", {**_BASE, **_ROBERTA})
    _encoder("roberta-large", "FacebookAI/roberta-large", "355361794", "Roberta", {**_LARGE, **_ROBERTA})
    _encoder("xlm-roberta-base", "FacebookAI/xlm-roberta-base", "278045186", "XLMRoberta", {**_BASE, **_XLM})
    _encoder("xlm-roberta-large", "FacebookAI/xlm-roberta-large", "559892482", "XLMRoberta", {**_LARGE, **_XLM})
    _encoder("distilbert-base", "distilbert/distilbert-base-uncased", "66955010", "DistilBert", {})
    electra = {"vocab_size": 30522}
    small = {"embedding_size": 128, "hidden_size": 256, "num_attention_heads": 4, "intermediate_size": 1024}
    _encoder("electra-small", "google/electra-small-discriminator", "13549314", "Electra", {**electra, **small})
    _encoder(
        "electra-base", "google/electra-base-discriminator", "109483778", "Electra", {**_BASE, "embedding_size": 768}
    )
    _encoder(
        "electra-large",
        "google/electra-large-discriminator",
        "335143938",
        "Electra",
        {**_LARGE, "embedding_size": 1024},
    )
    _encoder("minilm-l6", "nreimers/MiniLM-L6-H384-uncased", "22713986", "Bert", {**_MINI, "num_hidden_layers": 6})
    _encoder("minilm-l12", "microsoft/MiniLM-L12-H384-uncased", "33360770", "Bert", {**_MINI, "num_hidden_layers": 12})
    albert = {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}
    _encoder("albert-base-v2", "albert/albert-base-v2", "11685122", "Albert", albert)
    _encoder(
        "deberta-v3-small",
        "microsoft/deberta-v3-small",
        "141896450",
        "DebertaV2",
        {**_BASE, **_DEBERTA, "num_hidden_layers": 6},
    )
    _encoder("deberta-v3-base", "microsoft/deberta-v3-base", "184423682", "DebertaV2", {**_BASE, **_DEBERTA})
    _encoder(
        "deberta-v3-large",
        "microsoft/deberta-v3-large",
        "435063810",
        "DebertaV2",
        {**_LARGE, **_DEBERTA, "pooler_hidden_size": 1024},
    )
    _encoder("modernbert-base", "answerdotai/ModernBERT-base", "149606402", "ModernBert", {})
    _frozen()
    _cached()


_register_all()
