"""A Hugging Face ``config.json`` of a language model as dimensions, without transformers: one entry a model type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from whichgpu.capturing.bounded import unreadable
from whichgpu.capturing.dimensions import Dimensions
from whichgpu.errors import InvalidValue

Config = Mapping[str, Any]
Choices = dict[str, Any]
Entry = Callable[[Config], Choices]

_ENTRIES: dict[str, Entry] = {}

GELUS: Final = frozenset({"gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "quick_gelu"})


def model_type(*names: str) -> Callable[[Entry], Entry]:
    """Register the choices of these model types; duplicates raise."""

    def register(entry: Entry) -> Entry:
        for name in names:
            if name in _ENTRIES:
                raise ValueError(f"the model type {name} has an entry already")
            _ENTRIES[name] = entry
        return entry

    return register


def known() -> tuple[str, ...]:
    """The model types that have an entry."""
    return tuple(sorted(_ENTRIES))


def dimensions(config: Config, file: str) -> Dimensions | None:
    """The transformer of a configuration, None for a model type without an entry; raises SourceUnreadable."""
    entry = _ENTRIES.get(str(config.get("model_type")))
    if entry is None:
        return None
    try:
        return Dimensions(**{**_sizes(config), **entry(config)})
    except InvalidValue as error:
        raise unreadable(file, "its sizes are damaged: {problem}", problem=error.message) from error
    except (TypeError, ValueError, ZeroDivisionError, OverflowError) as error:
        raise unreadable(file, "its sizes are damaged: {problem}", problem=str(error)[:120]) from error


def _sizes(config: Config) -> Choices:
    """What most model types name alike, and a Llama's choices."""
    hidden = _first(config, "hidden_size", "n_embd", "d_model")
    heads = _first(config, "num_attention_heads", "n_head")
    kv_heads = config.get("num_key_value_heads")
    head_size = config.get("head_dim")
    return {
        "hidden": hidden,
        "layers": _first(config, "num_hidden_layers", "n_layer"),
        "heads": heads,
        "kv_heads": heads if kv_heads is None else kv_heads,
        "head_size": hidden // heads if head_size is None else head_size,
        "feed_forward": _first(config, "intermediate_size", "n_inner", "ffn_dim", default=4 * hidden),
        "vocabulary": _first(config, "vocab_size"),
        "activation": _activation(config),
        "tied": bool(config.get("tie_word_embeddings", False)),
        "q_bias": bool(config.get("attention_bias", False)),
        "kv_bias": bool(config.get("attention_bias", False)),
        "out_bias": bool(config.get("attention_bias", False)),
        "ff_bias": bool(config.get("mlp_bias", False)),
    }


def _first(config: Config, *names: str, default: int | None = None) -> int:
    for name in names:
        value = config.get(name)
        if value is not None:
            if not isinstance(value, int) or isinstance(value, bool):
                raise ValueError(f"{name} is {value!r}"[:80])
            return value
    if default is None:
        raise ValueError(f"{names[0]} is missing")
    return default


def _activation(config: Config) -> str:
    name = str(
        config.get("hidden_act") or config.get("hidden_activation") or config.get("activation_function") or "silu"
    )
    return "gelu" if name in GELUS else name[:40]


LAYER_NORM: Final[Choices] = {"norm": "layer", "norm_shift": True}
ALL_BIASES: Final[Choices] = {"q_bias": True, "kv_bias": True, "out_bias": True, "ff_bias": True}


@model_type("llama", "granite")
def _llama(config: Config) -> Choices:
    return {}


@model_type("mistral", "ministral")
def _mistral(config: Config) -> Choices:
    return {"window": config.get("sliding_window") or 0}


@model_type("mixtral")
def _mixtral(config: Config) -> Choices:
    return {
        "experts": _first(config, "num_local_experts", default=8),
        "top_k": _first(config, "num_experts_per_tok", default=2),
        "window": config.get("sliding_window") or 0,
    }


@model_type("qwen2")
def _qwen2(config: Config) -> Choices:
    return {"q_bias": True, "kv_bias": True, "out_bias": False}


@model_type("qwen3")
def _qwen3(config: Config) -> Choices:
    return {"qk_norm": True}


def _qwen_experts(config: Config) -> Choices:
    return {
        "experts": _first(config, "num_experts"),
        "top_k": _first(config, "num_experts_per_tok"),
        "expert_feed_forward": _first(config, "moe_intermediate_size"),
    }


@model_type("qwen2_moe")
def _qwen2_moe(config: Config) -> Choices:
    shared = _first(config, "shared_expert_intermediate_size", default=5632)
    return {**_qwen2(config), **_qwen_experts(config), "shared_feed_forward": shared, "shared_gate": True}


@model_type("qwen3_moe")
def _qwen3_moe(config: Config) -> Choices:
    return {**_qwen3(config), **_qwen_experts(config)}


def _latent(config: Config) -> Choices:
    """Latent attention and the experts of DeepSeek's models."""
    plain, rotary = _first(config, "qk_nope_head_dim", default=128), _first(config, "qk_rope_head_dim", default=64)
    width = _first(config, "moe_intermediate_size")
    return {
        "kv_heads": _first(config, "num_attention_heads"),
        "head_size": plain + rotary,
        "rotary_size": rotary,
        "value_size": _first(config, "v_head_dim", default=128),
        "latent": _first(config, "kv_lora_rank", default=512),
        "query_latent": config.get("q_lora_rank") or 0,
        "experts": _first(config, "n_routed_experts"),
        "top_k": _first(config, "num_experts_per_tok"),
        "expert_feed_forward": width,
        "shared_feed_forward": width * (config.get("n_shared_experts") or 0),
        "dense_layers": _first(config, "first_k_dense_replace", default=0),
        "expert_period": _first(config, "moe_layer_freq", default=1),
    }


@model_type("deepseek_v2")
def _deepseek_v2(config: Config) -> Choices:
    return _latent(config)


@model_type("deepseek_v3", "kimi_k2")
def _deepseek_v3(config: Config) -> Choices:
    # A bias of its own balances the choice among the experts of each layer.
    return {**_latent(config), "router_bias": True}


@model_type("gpt_oss")
def _gpt_oss(config: Config) -> Choices:
    return {
        **ALL_BIASES,
        "experts": _first(config, "num_local_experts"),
        "top_k": _first(config, "num_experts_per_tok", default=4),
        "router_bias": True,
        "expert_bias": True,
        "sinks": True,
        "window": config.get("sliding_window") or 0,
        "window_period": 2,
    }


@model_type("llama4_text")
def _llama4(config: Config) -> Choices:
    width = _first(config, "intermediate_size")
    return {
        "feed_forward": _first(config, "intermediate_size_mlp"),
        "experts": _first(config, "num_local_experts"),
        "top_k": _first(config, "num_experts_per_tok", default=1),
        "expert_feed_forward": width,
        "shared_feed_forward": width,
        "expert_period": _first(config, "interleave_moe_layer_step", default=1),
        "qk_norm": bool(config.get("use_qk_norm", True)),
        "qk_norm_scale": False,
        "window": config.get("attention_chunk_size") or 0,
        "window_period": 4,
    }


@model_type("olmo")
def _olmo(config: Config) -> Choices:
    return {"norm": "layer", "norm_scale": False}


@model_type("olmo2", "olmo3")
def _olmo2(config: Config) -> Choices:
    window = config.get("sliding_window") or 0
    return {"norm_place": "after", "qk_norm": True, "qk_norm_width": "all", "window": window, "window_period": 4}


@model_type("gemma")
def _gemma(config: Config) -> Choices:
    return {"tied": bool(config.get("tie_word_embeddings", True)), "activation": "gelu"}


@model_type("gemma2")
def _gemma2(config: Config) -> Choices:
    window = config.get("sliding_window") or 0
    return {**_gemma(config), "norm_place": "both", "window": window, "window_period": 2}


@model_type("gemma3_text")
def _gemma3(config: Config) -> Choices:
    period = _first(config, "sliding_window_pattern", default=6)
    return {**_gemma2(config), "qk_norm": True, "window_period": period}


@model_type("phi")
def _phi(config: Config) -> Choices:
    return {**LAYER_NORM, **ALL_BIASES, "gated": False, "parallel": True, "block_norms": 1, "head_bias": True}


@model_type("phi3")
def _phi3(config: Config) -> Choices:
    return {"fused_qkv": True, "fused_gate": True, "window": config.get("sliding_window") or 0}


@model_type("gpt2")
def _gpt2(config: Config) -> Choices:
    positions = _first(config, "n_positions", default=1024)
    choices = {"gated": False, "fused_qkv": True, "positions": positions, "tied": True}
    return {**LAYER_NORM, **ALL_BIASES, **choices, "activation": "gelu"}


@model_type("gpt_neox")
def _gpt_neox(config: Config) -> Choices:
    parallel = bool(config.get("use_parallel_residual", True))
    return {**LAYER_NORM, **ALL_BIASES, "gated": False, "fused_qkv": True, "parallel": parallel, "activation": "gelu"}


@model_type("starcoder2")
def _starcoder2(config: Config) -> Choices:
    tied = bool(config.get("tie_word_embeddings", True))
    biases = ALL_BIASES if config.get("use_bias", True) else {}
    window = config.get("sliding_window") or 0
    return {**LAYER_NORM, **biases, "gated": False, "activation": "gelu", "tied": tied, "window": window}


def _encoder(config: Config) -> Choices:
    return {
        **LAYER_NORM,
        **ALL_BIASES,
        "causal": False,
        "gated": False,
        "activation": "gelu",
        "norm_place": "post",
        "final_norm": False,
        "embedding_norm": True,
        "positions": _first(config, "max_position_embeddings", default=512),
        "segments": _first(config, "type_vocab_size", default=2),
        **_encoder_end(config),
    }


def _encoder_end(config: Config) -> Choices:
    """What stands on top, by the class that was saved: a head for masked words, or a pooler."""
    classes = config.get("architectures")
    masked = isinstance(classes, list) and any("MaskedLM" in str(name) for name in classes)
    return {"head": masked, "tied": True, "head_bias": masked, "head_transform": masked, "pooler": not masked}


@model_type("bert", "roberta", "xlm-roberta", "camembert")
def _bert(config: Config) -> Choices:
    return _encoder(config)
