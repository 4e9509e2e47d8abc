"""safetensors headers with their config.json."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import format_samples as samples
import pytest

from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.safetensors_header import file_header, model, read
from whichgpu.capturing.transformer import parameters
from whichgpu.errors import SourceNotFound, SourceUnreadable, Untraceable, WhichGpuError

CONFIG = {
    "model_type": "llama", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 12,
    "vocab_size": 16, "tie_word_embeddings": True, "max_position_embeddings": 64,
}  # fmt: skip
SHAPES = {
    "model.embed_tokens.weight": (16, 8), "model.norm.weight": (8,), "model.layers.0.input_layernorm.weight": (8,),
    "model.layers.0.post_attention_layernorm.weight": (8,), "model.layers.0.mlp.gate_proj.weight": (12, 8),
    "model.layers.0.mlp.up_proj.weight": (12, 8), "model.layers.0.mlp.down_proj.weight": (8, 12),
    **{f"model.layers.0.self_attn.{part}_proj.weight": (8, 8) for part in "qkvo"},
}  # fmt: skip
COUNT = 16 * 8 + 3 * 8 + 3 * 96 + 4 * 64


def folder(path: Path, config: object = CONFIG) -> Path:
    (path / "config.json").write_text(json.dumps(config))
    file = path / "model.safetensors"
    file.write_bytes(samples.safetensors(SHAPES))
    return file


def test_header_and_configuration_agree_to_the_last_parameter(tmp_path: Path) -> None:
    found = model(folder(tmp_path))
    assert parameters(found.dimensions) == COUNT == file_header(tmp_path / "model.safetensors").parameters
    assert found.assumptions == ()
    assert (found.weight_precision, found.context) == ("bf16", 64)


def test_a_model_in_several_files_is_read_through_its_index(tmp_path: Path) -> None:
    folder(tmp_path)
    names = list(SHAPES)
    for part, chosen in enumerate((names[:4], names[4:])):
        data = samples.safetensors({name: SHAPES[name] for name in chosen})
        (tmp_path / f"part-{part}.safetensors").write_bytes(data)
    index = {"weight_map": {name: f"part-{int(place >= 4)}.safetensors" for place, name in enumerate(names)}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    found = read(str(tmp_path / "model.safetensors.index.json"), CaptureRequest(batch_size=1, sequence_length=4))
    assert found.graph.parameters == COUNT


@pytest.mark.parametrize("name", ["../elsewhere.safetensors", "/etc/passwd"])
def test_an_index_names_files_beside_it_only(tmp_path: Path, name: str) -> None:
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(SourceUnreadable, match="elsewhere"):
        model(path)


def test_a_count_that_differs_is_told(tmp_path: Path) -> None:
    found = model(folder(tmp_path, {**CONFIG, "vocab_size": 17}))
    assert [(a.code, a.values["counted"] - a.values["file"]) for a in found.assumptions] == [("parameters_differ", 8)]


def test_weights_without_configuration_say_what_is_missing(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(SourceNotFound, match=r"config\.json"):
        model(tmp_path / "model.safetensors")


def test_a_model_type_without_an_entry_is_named(tmp_path: Path) -> None:
    with pytest.raises(Untraceable, match="rwkv"):
        model(folder(tmp_path, {"model_type": "rwkv"}))


def entry(**changes: object) -> bytes:
    row = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24], **changes}
    text = json.dumps({"t": row}).encode()
    return struct.pack("<Q", len(text)) + text + bytes(24)


HOSTILE = {
    "empty": b"",
    "2^63 bytes of header": struct.pack("<Q", 2**63) + b"{}",
    "longer than the file": struct.pack("<Q", 10_000) + b"{}",
    "no JSON": struct.pack("<Q", 4) + b"\x80abc",
    "a list": struct.pack("<Q", 2) + b"[]",
    "nested": struct.pack("<Q", 40_000) + b"[" * 40_000,
    "a negative size": entry(shape=[-2, -3]),
    "an enormous size": entry(shape=[2**62, 2**62]),
    "data elsewhere": entry(data_offsets=[0, 2**63]),
    "too little data": entry(data_offsets=[0, 23]),
    "an unknown type": entry(dtype="F1"),
    "no shape": entry(shape=None),
    "too many bytes": entry(dtype="F64"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_one_clear_error(tmp_path: Path, name: str) -> None:
    folder(tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(HOSTILE[name])
    with pytest.raises(SourceUnreadable, match=r"^model\.safetensors"):
        model(path)


def test_experts_without_a_width_are_refused(tmp_path: Path) -> None:
    # found by mutation: the width of Mixtral's experts is its intermediate_size
    config = {**CONFIG, "model_type": "mixtral", "num_local_experts": 4, "num_experts_per_tok": 2}
    with pytest.raises(WhichGpuError, match="expert_feed_forward"):
        model(folder(tmp_path, {**config, "intermediate_size": 0}))
