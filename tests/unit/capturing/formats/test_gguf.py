"""GGUF headers: sizes as the file says, one clear error for everything damaged."""

from __future__ import annotations

import dataclasses
import struct
import time
from pathlib import Path
from typing import Any

import format_samples as samples
import pytest

from whichgpu.capturing import gguf
from whichgpu.capturing.gguf_models import model, read
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.transformer import parameters
from whichgpu.errors import SourceNotFound, SourceUnreadable, Untraceable, WhichGpuError
from whichgpu.graph import Kind, OperatorGraph


def written(folder: Path, data: bytes, name: str = "model.gguf") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_llama_3_8b_is_read_from_its_header_alone(tmp_path: Path) -> None:
    path = written(tmp_path, samples.llama_gguf(4096, 32, 32, 8, 14336, 128256))
    found = model(path)
    assert parameters(found.dimensions) == 8_030_261_248
    assert found.context == 4096
    workload = read(str(path), CaptureRequest(batch_size=1))
    assert (workload.step, workload.stack, workload.weight_precision) == ("forward", "llama.cpp", "gguf:Q4_K_M")
    assert [assumption.code for assumption in workload.assumptions] == ["gguf_mixture", "sequence_length_assumed"]


def keys(graph: OperatorGraph) -> tuple[int, ...]:
    attention = next(operator for operator in graph.operators if operator.kind is Kind.ATTENTION)
    return graph.tensors[attention.inputs[1]].shape


def test_generation_decodes_every_token_after_the_prompt_over_a_growing_cache(tmp_path: Path) -> None:
    path = written(tmp_path, samples.llama_gguf())
    found = read(str(path), CaptureRequest(phase="generate", batch_size=3, sequence_length=100, new_tokens=28))
    assert [(stage.name, stage.repetitions) for stage in found.parts()] == [
        ("prefill", 1), ("decode", 27), ("decode", 1)
    ]  # fmt: skip
    # 100 in the prompt; the tokens 101 to 127 see 114 on average, the 128th all 128
    shapes = [(3, 2, length, 16) for length in (100, 114, 128)]
    assert [keys(stage.graph) for stage in found.parts()] == shapes
    assert found.document()["step"] == "full"


def test_one_step_of_a_generation_is_the_prefill_or_the_middle_token(tmp_path: Path) -> None:
    path = written(tmp_path, samples.llama_gguf())
    asked = CaptureRequest(phase="generate", batch_size=3, sequence_length=100)
    decode = read(str(path), dataclasses.replace(asked, step="decode"))
    assert (decode.step, keys(decode.graph)) == ("decode", (3, 2, 100 + 64 + 1, 16))
    prefill = read(str(path), dataclasses.replace(asked, step="prefill"))
    assert (prefill.step, prefill.stages) == ("prefill", ())


def test_the_mixture_is_told_by_its_mean(tmp_path: Path) -> None:
    tensors = samples.llama_tensors(256, 1, 256, 512, 256, kind=8)  # Q8_0: 34 bytes for 32 weights
    header = gguf.parse(samples.gguf({"general.architecture": "llama"}, tensors), "model.gguf")
    quantised = [tensor for tensor in header.tensors.values() if tensor.type == 8]
    assert sum(tensor.bytes for tensor in quantised) == sum(tensor.elements for tensor in quantised) * 34 / 32


def test_every_kind_of_block_is_accounted_for_to_the_last_weight(tmp_path: Path) -> None:
    for number, data in enumerate(samples.gguf_variety()[:4]):
        found = model(written(tmp_path, data, f"{number}.gguf"))
        assert "parameters_differ" not in [assumption.code for assumption in found.assumptions], number


def test_a_state_space_model_is_named_and_refused(tmp_path: Path) -> None:
    with pytest.raises(Untraceable, match="mamba"):
        model(written(tmp_path, samples.gguf_variety()[5]))


def test_training_quantised_weights_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, samples.llama_gguf())
    with pytest.raises(WhichGpuError, match="not trained"):
        read(str(path), CaptureRequest(phase="train"))


def test_an_encoder_generates_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, samples.gguf_variety()[0])
    with pytest.raises(WhichGpuError, match="generates no text"):
        read(str(path), CaptureRequest(phase="generate"))


def test_a_file_in_parts_is_read_whole(tmp_path: Path) -> None:
    tensors = samples.llama_tensors(64, 2, 32, 96, 128)
    metadata = {
        "general.architecture": "llama", "llama.embedding_length": 64, "llama.block_count": 2,
        "llama.feed_forward_length": 96, "llama.attention.head_count": 4, "llama.attention.head_count_kv": 2,
        "llama.attention.layer_norm_rms_epsilon": 1e-5, "split.count": 2,
    }  # fmt: skip
    first = written(tmp_path, samples.gguf(metadata, tensors[:9]), "m-00001-of-00002.gguf")
    with pytest.raises(SourceNotFound, match=r"m-00002-of-00002\.gguf is missing"):
        model(first)
    written(tmp_path, samples.gguf({"split.no": 1}, tensors[9:]), "m-00002-of-00002.gguf")
    assert model(first).assumptions[-1].code != "parameters_differ"
    with pytest.raises(SourceUnreadable, match="not named as such"):
        model(written(tmp_path, first.read_bytes(), "renamed.gguf"))


def test_a_big_endian_file_reads_the_same() -> None:
    data = b"GGUF" + struct.pack(">IQQ", 3, 1, 0) + struct.pack(">Q", 1) + b"t" + struct.pack(">IQIQ", 1, 32, 8, 0)
    assert gguf.parse(data, "big.gguf").tensors["t"].shape == (32,)


def head(tensors: int, pairs: int, rest: bytes = b"") -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, pairs) + rest


HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "another kind": b"PK\x03\x04" + bytes(60),
    "magic alone": b"GGUF",
    "unknown version": b"GGUF" + struct.pack("<IQQ", 77, 0, 0),
    "2^63 tensors": head(2**63, 0),
    "2^63 values": head(0, 2**63),
    "a key of 2^63 bytes": head(0, 1, struct.pack("<Q", 2**63)),
    "an array of 2^63 numbers": head(0, 1, struct.pack("<Q", 1) + b"k" + struct.pack("<IIQ", 9, 4, 2**63)),
    "an array of 2^63 texts": head(0, 1, struct.pack("<Q", 1) + b"k" + struct.pack("<IIQ", 9, 8, 2**63)),
    "arrays in arrays": head(0, 1, struct.pack("<Q", 1) + b"k" + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 90),
    "a tensor of 2^63 weights": head(1, 0, struct.pack("<Q", 1) + b"t" + struct.pack("<IQIQ", 1, 2**63, 0, 0)),
    "9 dimensions": head(1, 0, struct.pack("<Q", 1) + b"t" + struct.pack("<I", 9) + bytes(90)),
    "unknown type": head(1, 0, struct.pack("<Q", 1) + b"t" + struct.pack("<IQIQ", 1, 32, 200, 0)),
    "half a header": samples.llama_gguf()[:500],
    "no architecture": samples.gguf({}, []),
    "a billion layers": samples.gguf(
        {"general.architecture": "llama", "llama.block_count": 10**9, "llama.embedding_length": 64,
         "llama.attention.head_count": 4, "llama.feed_forward_length": 96},
        samples.llama_tensors(64, 1, 64, 96, 128),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_one_clear_error_at_once(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, HOSTILE[name])
    start = time.perf_counter()
    with pytest.raises(SourceUnreadable, match=r"^model\.gguf") as caught:
        read(str(path), CaptureRequest())
    assert "\n" not in caught.value.message
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("value", [{"llama.attention.head_count": 0}, {"llama.attention.head_count_kv": 3}])
def test_sizes_that_cannot_be_are_the_file_s_fault(tmp_path: Path, value: dict[str, Any]) -> None:
    metadata = {"general.architecture": "llama", "llama.block_count": 1, "llama.embedding_length": 64}
    metadata |= {"llama.feed_forward_length": 96, "llama.attention.head_count": 4, **value}
    with pytest.raises(SourceUnreadable, match="damaged"):
        model(written(tmp_path, samples.gguf(metadata, samples.llama_tensors(64, 1, 64, 96, 128))))
