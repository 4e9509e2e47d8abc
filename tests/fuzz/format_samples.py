"""Small valid files of every format, written byte by byte: material for tests and fuzzing."""

from __future__ import annotations

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
