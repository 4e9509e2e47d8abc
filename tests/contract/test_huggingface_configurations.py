"""Configurations of transformers models as plain fields: bounds, precisions, refusals; no framework needed."""

import json

import pytest

from whichgpu.capturing import CaptureRequest, capture
from whichgpu.capturing.huggingface.configuring import (
    Configuration,
    native_precision,
    read_configuration,
    refuse_code,
    weight_precision,
)
from whichgpu.errors import SourceNotFound, SourceUnreadable, Untraceable

LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 512,
    "vocab_size": 1000,
    "max_position_embeddings": 512,
}


@pytest.fixture
def folder(tmp_path):
    """Writes a configuration, and hands back its folder."""

    def write(fields, adapter=None):
        (tmp_path / "config.json").write_text(json.dumps(fields), encoding="utf-8")
        if adapter is not None:
            (tmp_path / "adapter_config.json").write_text(json.dumps(adapter), encoding="utf-8")
        return tmp_path

    return write


def test_a_folder_and_its_file_are_the_same_source(folder):
    place = folder(LLAMA, adapter={"r": 8})
    configuration = read_configuration(place)
    assert configuration == read_configuration(place / "config.json")
    assert (configuration.model_type, configuration.adapter) == ("llama", {"r": 8})
    assert configuration.name == place.name


def test_a_known_type_needs_no_framework(folder):
    found = capture(str(folder(LLAMA)), CaptureRequest(batch_size=3, sequence_length=7))
    # two embeddings, and in each layer two norms, q and o, k and v, three of the feed-forward; the last norm
    layer = 2 * 256 + 2 * 256 * 256 + 2 * 256 * 128 + 3 * 256 * 512
    assert found.graph.parameters == 2 * 1000 * 256 + 2 * layer + 256
    assert (found.family, found.batch_size, found.sequence_length) == ("llama", 3, 7)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "no object"),
        (b"{}", "no model_type"),
        (b'{"model_type": 3}', "no model_type"),
        (b'{"model_type": "vit", "num_hidden_layers": 1000000000}', "num_hidden_layers is 1000000000"),
        (b'{"model_type": "vit", "vision_config": {"depth": 100000}}', "depth is 100000"),
        (b'{"model_type": "vit", "depths": [2, 2, 50000, 2]}', "depths is 50000"),
        (b'{"model_type": "vit", "hidden_size": 99999999999999}', "hidden_size is"),
    ],
)
def test_what_is_no_configuration_is_refused_in_one_line(tmp_path, content, match):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(SourceUnreadable, match=match) as refused:
        read_configuration(tmp_path)
    assert "\n" not in refused.value.message


def test_counts_are_told_from_indices_and_sizes(folder):
    fields = {
        "model_type": "x",
        "num_hidden_layers": 2000,
        "eos_token_id": 128001,
        "block_size": 4096,
    }
    assert read_configuration(folder(fields)).fields == fields


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SourceNotFound, match=r"config\.json"):
        read_configuration(tmp_path / "none" / "config.json")


def test_code_of_its_own_is_never_run():
    fields = {"model_type": "mine", "auto_map": {"AutoModel": "modeling_mine.Mine"}}
    with pytest.raises(Untraceable, match="auto_map"):
        refuse_code(Configuration(fields=fields, name="mine", file="config.json"))


@pytest.mark.parametrize(
    ("quantization", "precision"),
    [
        (None, None),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}, "nf4"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "fp4"}, "fp4"),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "int8"),
        ({"quant_method": "gptq", "bits": 4, "group_size": 128}, "int4"),
        ({"quant_method": "awq", "bits": 4}, "int4"),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, "fp8"),
        ({"quant_method": "mxfp4"}, "fp4"),
        (
            {"quant_method": "compressed-tensors", "config_groups": {"0": {"weights": {"num_bits": 8, "type": "int"}}}},
            "int8",
        ),
        ({"quant_method": "unheard-of"}, None),
    ],
)
def test_weights_are_as_narrow_as_the_checkpoint_keeps_them(quantization, precision):
    assert weight_precision({"quantization_config": quantization}) == precision


@pytest.mark.parametrize(
    ("fields", "precision"),
    [
        ({"torch_dtype": "bfloat16"}, "bf16"),
        ({"dtype": "float16"}, "fp16"),
        ({"text_config": {"dtype": "bfloat16"}}, "bf16"),
        ({"dtype": "float32"}, None),
        ({}, None),
    ],
)
def test_the_type_of_a_checkpoint_is_its_precision(fields, precision):
    assert native_precision(fields) == precision
