"""The models that NeuSight measured: Hugging Face's by configuration, with attention in separate kernels.

Sources: sitar-lab/NeuSight, scripts/asplos/data/DLmodel_configs and neusight/Tracing/trace.py: inference times a BERT
with a classifier, training one with its pre-training heads and the loss over all tokens; no KV cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch

from whichgpu.zoo.building.blueprint import (
    AtLength,
    Blueprint,
    Build,
    Capture,
    inference,
    register,
    training,
    variants,
)
from whichgpu.zoo.building.hugging_face import Inputs, configured, next_token_loss, text, tokens, transformers

_SOURCE: Final = "sitar-lab/NeuSight, scripts/asplos/data/DLmodel_configs/{}.json"


def _bert(name: str, config: str, published: str, *, hidden: int, layers: int, heads: int) -> None:
    sizes: dict[str, Any] = {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": 4 * hidden,
        "attention": "eager",
    }

    def at_length(length: int) -> dict[str, Capture]:
        classifier = configured("BertForSequenceClassification", "BertConfig", text(length), **sizes)
        pretraining = configured("BertForPreTraining", "BertConfig", text(length), **sizes)
        return {"train": training(pretraining, next_token_loss), "infer": inference(classifier)}

    _register(name, config, published, at_length, length=512)


def _gpt(name: str, config: str, published: str, *, length: int, **sizes: Any) -> None:
    fixed = {"attention": "eager", "use_cache": False, **sizes}
    _causal(
        name, config, published, length, lambda inputs: configured("GPT2LMHeadModel", "GPT2Config", inputs, **fixed)
    )


def _opt() -> None:
    sizes = {"hidden_size": 2048, "ffn_dim": 8192, "num_hidden_layers": 24, "num_attention_heads": 32}
    fixed: dict[str, Any] = {"attention": "eager", "use_cache": False, "word_embed_proj_dim": 2048, **sizes}
    _causal(
        "opt-1.3b-eager",
        "opt_13",
        "1.3B",
        2048,
        lambda inputs: configured("OPTForCausalLM", "OPTConfig", inputs, **fixed),
    )


def _causal(name: str, config: str, published: str, length: int, build: Callable[[Inputs], Build]) -> None:
    def at_length(length: int) -> dict[str, Capture]:
        return variants(build(text(length, mask=False)), next_token_loss)

    _register(name, config, published, at_length, length=length)


def _register(name: str, config: str, published: str, at_length: AtLength, *, length: int) -> None:
    register(
        Blueprint(
            name=name,
            category="language-model",
            family="transformer",
            source=_SOURCE.format(config),
            published=published,
            at_length=at_length,
            block="neusight",
            input=f"{length} tokens",
            sequence_length=length,
            batch_size=4,
            optimizer="adamw",
            precision="fp32",
        )
    )


class _Capacity(torch.nn.Module):
    """A switch layer as NeuSight runs it: every expert on a fixed share of tokens, so that no shape depends on data."""

    def __init__(self, router: torch.nn.Module, experts: Any, capacity: int) -> None:
        super().__init__()
        self.router, self.experts, self.capacity = router, experts, capacity
        # The router casts its classifier to its own type, which fake parameters refuse and which changes nothing.
        router.classifier.to = lambda *_: router.classifier

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """States [batch, length, width] through one expert a token."""
        chosen, weight, _ = self.router(states)
        rows = states.shape[0] * self.capacity
        flat = states.view(-1, states.shape[-1])
        result = flat.clone()
        buffer = torch.zeros(rows, flat.shape[1])
        for number, expert in enumerate(self.experts.values()):
            picked = chosen[..., number].bool()
            torch.count_nonzero(picked)
            index = torch.zeros(rows, dtype=torch.long)
            buffer = expert(buffer.index_copy(0, index, flat.index_select(0, index)))
            result = result.index_put((index,), buffer)
        return weight * result.view(states.shape)


def _biased_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *_: Any,
    dropout: float = 0.0,
    position_bias: torch.Tensor | None = None,
    **__: Any,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention of T5 in 2023: the mask is part of the position bias, which one pass adds to unscaled scores."""
    scores = torch.matmul(query, key.transpose(2, 3))
    scores += position_bias if position_bias is not None else attention_mask
    weights = torch.nn.functional.softmax(scores, dim=-1)
    weights = torch.nn.functional.dropout(weights, p=dropout, training=module.training)
    return torch.matmul(weights, value).transpose(1, 2).contiguous(), weights


def _switch(batch: int, length: int) -> tuple[torch.nn.Module, dict[str, torch.Tensor]]:
    library = transformers()
    library.AttentionInterface.register("biased_eager", _biased_attention)
    sizes = {"d_model": 1024, "d_ff": 16384, "d_kv": 128, "num_heads": 32, "num_layers": 24, "num_decoder_layers": 24}
    sparse = {"num_sparse_encoder_layers": 12, "num_sparse_decoder_layers": 12, "num_experts": 4, "expert_capacity": 64}
    config = library.SwitchTransformersConfig(**sizes, **sparse, use_cache=False)
    config._attn_implementation = "biased_eager"
    model = library.SwitchTransformersForConditionalGeneration(config)
    for module in list(model.modules()):
        if type(getattr(module, "mlp", None)).__name__ == "SwitchTransformersSparseMLP":
            module.mlp = _Capacity(module.mlp.router, module.mlp.experts, 64)
    return model, {"input_ids": tokens(batch, length), "decoder_input_ids": tokens(batch, length), "use_cache": False}


def _switches(length: int) -> dict[str, Capture]:
    return variants(lambda batch: _switch(batch, length), next_token_loss)


def _register_all() -> None:
    _bert("bert-base-eager", "bert", "0.11B", hidden=768, layers=12, heads=12)
    _bert("bert-large-eager", "bert_large", "0.34B", hidden=1024, layers=24, heads=16)
    _gpt("gpt2-large-eager", "gpt2_large", "774M", length=1024, n_embd=1280, n_head=20, n_layer=36)
    # NeuSight's "GPT-3 XL" has 3072 features, not the 2048 of the paper's model of that name.
    _gpt("gpt3-xl-eager", "gpt3_xl", "2.9B", length=2048, n_positions=2048, n_embd=3072, n_head=24, n_layer=24)
    _gpt("gpt3-2.7b-eager", "gpt3_27", "2.7B", length=2048, n_positions=2048, n_embd=2560, n_head=32, n_layer=32)
    _opt()
    _register("switch-xl-eager", "switchxl4", "5.3B", _switches, length=512)


_register_all()
