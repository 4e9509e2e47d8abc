"""The language and recommendation models of NVIDIA/DeepLearningExamples that public measurements train.

Dimensions are those of the repository's PyTorch folders; the command lines are Lambda's
(lambdal/deeplearning-benchmark, pytorch/scripts/config_v1). Sequence lengths are what the training loops count.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import nn

from whichgpu.zoo.building.blueprint import Blueprint, Capture, register, training, variants
from whichgpu.zoo.building.hugging_face import configured, spans
from whichgpu.zoo.building.models.gnmt import Gnmt
from whichgpu.zoo.building.models.neumf import NeuMf
from whichgpu.zoo.building.models.transformer_xl import TransformerXl

_SOURCE: Final = "NVIDIA/DeepLearningExamples, PyTorch/{}"


def _squad(name: str, published: str, *, hidden: int, layers: int, heads: int) -> None:
    sizes: dict[str, Any] = {"hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads}
    fixed: dict[str, Any] = {"attention": "eager", "intermediate_size": 4 * hidden, "vocab_size": 30528, **sizes}

    def at_length(length: int) -> dict[str, Capture]:
        return variants(configured("BertForQuestionAnswering", "BertConfig", spans(length), **fixed))

    register(
        Blueprint(
            name=name,
            category="text-classification",
            family="transformer",
            source=_SOURCE.format("LanguageModeling/BERT, SQuAD at 384 tokens"),
            published=published,
            at_length=at_length,
            block="dle",
            input="384 tokens",
            sequence_length=384,
            optimizer="adam",
        )
    )


# Sentences of WMT 2016 in buckets of ten tokens, at most fifty: about 25 of 30 padded positions hold tokens.
_PADDED: Final = 30
_COUNTED: Final = 50


def _gnmt(batch: int) -> tuple[nn.Module, Any]:
    source = torch.zeros(_PADDED, batch, dtype=torch.long)
    lengths = torch.zeros(batch, dtype=torch.long)
    return Gnmt(vocabulary=32320), (source, lengths, source.clone(), source.clone())


def _register_gnmt() -> None:
    register(
        Blueprint(
            name="dle-gnmt",
            category="translation",
            family="rnn",
            source=_SOURCE.format("Translation/GNMT: GNMT v2, four layers of 1024, shared embedding"),
            published="160671297",
            graphs={"train": training(_gnmt)},
            block="dle",
            input=f"{_PADDED} source and {_PADDED} target positions, {_COUNTED} of the 60 tokens",
            sequence_length=_COUNTED,
            batch_size=128,
            optimizer="adam",
        )
    )


def _ncf(batch: int) -> tuple[nn.Module, Any]:
    module = NeuMf(users=138493, items=26744, factors=64, layers=(256, 256, 128, 64), dropout=0.5, samples=True)
    return module, (torch.zeros(batch, dtype=torch.int32), torch.zeros(batch, 1))


def _register_ncf() -> None:
    register(
        Blueprint(
            name="dle-ncf",
            category="recommendation",
            family="embedding",
            source=_SOURCE.format("Recommendation/NCF: NeuMF on MovieLens 20M, negatives drawn on the device"),
            published="31832577",
            graphs=variants(_ncf),
            block="dle",
            input="user and item numbers",
            batch_size=2**20,
            optimizer="adam",
        )
    )


def _transformer_xl(size: str, published: str, length: int, **sizes: Any) -> None:
    def build(batch: int) -> tuple[nn.Module, Any]:
        module = TransformerXl(vocabulary=267735, **sizes)
        ids = torch.zeros(length, batch, dtype=torch.long)
        memory = torch.zeros(sizes["layers"], length, batch, sizes["width"])
        return module, (ids, ids.clone(), memory)

    register(
        Blueprint(
            name=f"dle-transformer-xl-{size}",
            category="language-model",
            family="transformer",
            source=_SOURCE.format("LanguageModeling/Transformer-XL with the full softmax over 267 735 words"),
            published=published,
            graphs=variants(build),
            block="dle",
            input=f"{length} tokens after a memory of {length}",
            sequence_length=length,
            batch_size=8,
            optimizer="adam",
        )
    )


def _register_all() -> None:
    _squad("bert-base-squad", "108897794", hidden=768, layers=12, heads=12)
    _squad("bert-large-squad", "334100482", hidden=1024, layers=24, heads=16)
    _register_gnmt()
    _register_ncf()
    _transformer_xl("base", "0.19B", 192, layers=16, width=512, heads=8, inner=2048, dropout=0.1, attention_dropout=0.0)
    _transformer_xl(
        "large", "0.52B", 256, layers=18, width=1024, heads=16, inner=4096, dropout=0.2, attention_dropout=0.2
    )


_register_all()
