"""Small valid files of every format, written byte by byte: material for tests and fuzzing."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import struct
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

Tensor = tuple[str, Sequence[int], int]
"""Name, shape (fastest dimension first) and ggml type."""


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _metadata(key: str, value: Any) -> bytes:
    if isinstance(value, bool):
        body = struct.pack("<I?", 7, value)
    elif isinstance(value, int):
        body = struct.pack("<II", 4, value)
    elif isinstance(value, float):
        body = struct.pack("<If", 6, value)
    elif isinstance(value, str):
        body = struct.pack("<I", 8) + _string(value)
    elif value and isinstance(value[0], str):
        body = struct.pack("<IIQ", 9, 8, len(value)) + b"".join(_string(item) for item in value)
    else:
        body = struct.pack("<IIQ", 9, 4, len(value)) + struct.pack(f"<{len(value)}I", *value)
    return _string(key) + body


def gguf(metadata: Mapping[str, Any], tensors: Sequence[Tensor], version: int = 3) -> bytes:
    """A GGUF header without tensor data."""
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(metadata))
    out += b"".join(_metadata(key, value) for key, value in metadata.items())
    for name, shape, kind in tensors:
        out += _string(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        out += struct.pack("<IQ", kind, 0)
    return out


def llama_tensors(
    hidden: int, layers: int, kv_width: int, feed_forward: int, vocabulary: int, *, kind: int = 12, tied: bool = False
) -> list[Tensor]:
    """The tensors of a Llama in GGUF."""
    found: list[Tensor] = [("token_embd.weight", (hidden, vocabulary), kind), ("output_norm.weight", (hidden,), 0)]
    if not tied:
        found.append(("output.weight", (hidden, vocabulary), kind))
    for n in range(layers):
        for part, shape, of in (
            ("attn_norm", (hidden,), 0),
            ("attn_q", (hidden, hidden), kind),
            ("attn_k", (hidden, kv_width), kind),
            ("attn_v", (hidden, kv_width), kind),
            ("attn_output", (hidden, hidden), kind),
            ("ffn_norm", (hidden,), 0),
            ("ffn_gate", (hidden, feed_forward), kind),
            ("ffn_up", (hidden, feed_forward), kind),
            ("ffn_down", (feed_forward, hidden), kind),
        ):
            found.append((f"blk.{n}.{part}.weight", shape, of))
    return found


def llama_gguf(
    hidden: int = 64, layers: int = 2, heads: int = 4, kv_heads: int = 2, feed_forward: int = 96, vocabulary: int = 128
) -> bytes:
    """A Llama in GGUF."""
    metadata = {
        "general.architecture": "llama",
        "general.name": "tiny",
        "general.file_type": 15,
        "llama.embedding_length": hidden,
        "llama.block_count": layers,
        "llama.context_length": 4096,
        "llama.feed_forward_length": feed_forward,
        "llama.attention.head_count": heads,
        "llama.attention.head_count_kv": kv_heads,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "tokenizer.ggml.tokens": [f"t{n}" for n in range(8)],
    }
    return gguf(metadata, llama_tensors(hidden, layers, hidden // heads * kv_heads, feed_forward, vocabulary))


def safetensors(tensors: Mapping[str, Sequence[int]], dtype: str = "BF16", size: int = 2) -> bytes:
    """A safetensors file with zeros."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, shape in tensors.items():
        length = size
        for n in shape:
            length *= n
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + length]}
        at += length
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(at)


def keras_archive(config: Mapping[str, Any], *, weights: bytes = b"\x89HDF\r\n\x1a\n") -> bytes:
    """A ``.keras`` file with this configuration."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.11.0", "date_saved": "2025-01-01@00:00:00"}))
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", weights)
    return stream.getvalue()


def zipped_json(document: Mapping[str, Any]) -> bytes:
    """A gzip file with this JSON document."""
    return gzip.compress(json.dumps(document).encode(), mtime=0)


BERT: list[Tensor] = [
    ("token_embd.weight", (8, 16), 1),
    ("token_embd_norm.weight", (8,), 0),
    ("token_embd_norm.bias", (8,), 0),
    ("token_types.weight", (8, 2), 0),
    ("position_embd.weight", (8, 32), 0),
    *((f"blk.0.attn_{part}.weight", (8, 8), 1) for part in ("q", "k", "v", "output")),
    *((f"blk.0.{part}.bias", (8,), 0) for part in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_down")),
    *((f"blk.0.{part}", (8,), 0) for part in ("attn_output_norm.weight", "attn_output_norm.bias")),
    *((f"blk.0.{part}", (8,), 0) for part in ("layer_output_norm.weight", "layer_output_norm.bias")),
    ("blk.0.ffn_up.weight", (8, 24), 1),
    ("blk.0.ffn_up.bias", (24,), 0),
    ("blk.0.ffn_down.weight", (24, 8), 1),
]


def _described(architecture: str, sizes: Mapping[str, Any], tensors: Sequence[Tensor]) -> bytes:
    metadata = {"general.architecture": architecture, "general.file_type": 1}
    return gguf({**metadata, **{f"{architecture}.{key}": value for key, value in sizes.items()}}, tensors)


def gguf_variety() -> list[bytes]:
    """An encoder, a mixture of experts, a parallel block with one product for all, and many types of values."""
    sizes = {"embedding_length": 8, "block_count": 1, "attention.head_count": 2, "feed_forward_length": 24}
    plain = llama_tensors(8, 1, 8, 24, 16, kind=1)
    mixture = [
        tensor
        for tensor in plain
        if ".ffn_g" not in tensor[0] and ".ffn_u" not in tensor[0] and ".ffn_d" not in tensor[0]
    ]
    mixture += [("blk.0.ffn_gate_inp.weight", (8, 4), 0), ("blk.0.ffn_down_shexp.weight", (6, 8), 1)]
    mixture += [(f"blk.0.ffn_{part}_shexp.weight", (8, 6), 1) for part in ("gate", "up")]
    mixture += [("blk.0.attn_k_norm.weight", (4,), 0)]
    mixture += [(f"blk.0.ffn_{part}_exps.weight", (8, 24, 4), 1) for part in ("gate", "up")]
    mixture += [("blk.0.ffn_down_exps.weight", (24, 8, 4), 1), ("blk.0.attn_q_norm.weight", (4,), 0)]
    fused: list[Tensor] = [
        ("token_embd.weight", (8, 16), 1), ("output_norm.weight", (8,), 0), ("blk.0.attn_norm.weight", (8,), 0),
        ("blk.0.attn_qkv.weight", (8, 24), 1), ("blk.0.attn_output.weight", (8, 8), 1),
        ("blk.0.ffn_up.weight", (8, 48), 1), ("blk.0.ffn_down.weight", (24, 8), 1), ("rope_freqs.weight", (4,), 0),
    ]  # fmt: skip
    experts = {**sizes, "expert_count": 4, "expert_used_count": 2, "attention.layer_norm_rms_epsilon": 1e-5}
    values = {"general.architecture": "llama", "a": [1, 2, 3], "b": True, "c": [str(n) for n in range(5000)]}
    values |= {"d": list(range(5000)), "llama.attention.sliding_window": 4}
    return [
        _described("bert", {**sizes, "attention.causal": False, "context_length": 32}, BERT),
        _described("llama", experts, mixture),
        _described("falcon", sizes, fused),
        _described("llama", {**sizes, "feed_forward_length": [24, 24]}, plain),
        gguf(values, llama_tensors(8, 1, 8, 24, 16, tied=True)),
        gguf({"general.architecture": "mamba"}, [("blk.0.ssm_in.weight", (8, 8), 1)]),
    ]


def configs() -> list[dict[str, Any]]:
    """A small configuration of every model type."""
    from whichgpu.capturing.configurations import known

    sizes = {
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 12,
        "vocab_size": 16,
    }
    experts = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 6, "num_local_experts": 4}
    return [{"model_type": name, **sizes, **experts, "max_position_embeddings": 64} for name in known()]


def keras_configs() -> list[dict[str, Any]]:
    """Configurations of saved Keras models, compiled and not, plain, with code, and custom."""
    dense = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 3}, "registered_name": None}
    model = {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"layers": [dense]},
        "registered_name": "Sequential",
    }
    loss = {"module": "builtins", "class_name": "function", "config": "mse", "registered_name": "function"}
    adam = {"module": "keras.optimizers", "class_name": "SGD", "config": {"momentum": 0.9}, "registered_name": None}
    custom = {"module": "mine", "class_name": "Layer", "config": {}, "registered_name": "mine>Layer"}
    return [
        model,
        {**model, "compile_config": {"optimizer": adam, "loss": loss, "metrics": ["accuracy"]}},
        {**model, "compile_config": {"optimizer": "adam", "loss": {"a": "mse", "b": ["mae"]}}},
        {"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": 2}}]}},
        {**model, "config": {"layers": [dense, {"class_name": "Lambda", "config": {}}]}},
        {**model, "config": {"layers": [custom]}},
        {**model, "config": {"layers": [{**custom, "module": None}]}},
        {**model, "config": {"layers": [{"class_name": "TFOpLambda", "config": {}}]}},
    ]


def hdf5_files() -> list[bytes]:
    """HDF5 files with a configuration as h5py writes them: old and new, text of fixed and of variable length."""
    import h5py
    import numpy as np

    config = json.dumps(keras_configs()[3])
    training = json.dumps({"optimizer_config": {"class_name": "Adam", "config": {}}, "loss": "mse"})
    found = []
    for version in ("earliest", "latest"):
        for text in (config, np.bytes_(config)):
            stream = io.BytesIO()
            with h5py.File(stream, "w", libver=version) as file:
                file.attrs["keras_version"] = "2.4.0"
                file.attrs["numbers"] = [1, 2, 3]
                file.attrs["model_config"] = text
                file.attrs["training_config"] = training
                file.create_group("model_weights")
            found.append(stream.getvalue())
    return found


def captures() -> list[bytes]:
    """Captures with a convolution, a recurrent layer and a norm, written by hand."""
    from whichgpu.capturing import saved
    from whichgpu.capturing.building import GraphBuilder
    from whichgpu.graph import Kind, Role
    from whichgpu.workload import Workload

    graph = GraphBuilder(2)
    x, w = graph.tensor((2, 3, 8, 8), role=Role.INPUT), graph.tensor((4, 3, 3, 3), role=Role.WEIGHT)
    y, z = graph.tensor((2, 4, 6, 6)), graph.tensor((2, 4, 6, 6))
    graph.operator(Kind.CONV, "conv", [x, w], [y], direction="forward", groups=1, stride=(1, 1))
    graph.operator(Kind.NORM, "norm", [y], [z], norm="layer")
    sequence = graph.tensor((2, 6, 24))
    r = graph.tensor((20, 24), role=Role.WEIGHT)
    graph.operator(Kind.RNN, "lstm", [sequence, r], [graph.tensor((2, 6, 5))], cell="lstm", hidden=5, layers=1)
    workload = Workload(name="hand", graph=graph.finish(), phase="infer", step="forward", batch_size=2)
    return [json.dumps(saved.document(workload)).encode()]


def rehashed(document: Any) -> bytes:
    """A capture's document with the hash of the graph that it holds now, where it holds one."""
    from whichgpu.errors import WhichGpuError
    from whichgpu.graph import from_document

    with contextlib.suppress(WhichGpuError, KeyError, TypeError, ValueError, AttributeError):
        document["hash"] = from_document(document["capture"]["graph"]).content_hash()
    return json.dumps(document).encode()
