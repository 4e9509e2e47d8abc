"""Sources of JSON for the mutations: configurations with their adapters, folders of pipelines, and notebooks.

A sample is one document; what lies in several files is a field each.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import format_samples

from whichgpu.capturing.request import CaptureRequest
from whichgpu.costing import cost_table

_FOLDER = Path(tempfile.mkdtemp(prefix="whichgpu-fuzz-json-"))

_ADAPTER: dict[str, Any] = {"peft_type": "LORA", "r": 4, "target_modules": ["q_proj", "v_proj"], "lora_alpha": 8}
_UNET: dict[str, Any] = {
    "_class_name": "UNet2DConditionModel",
    "sample_size": 8,
    "block_out_channels": [32, 64],
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "cross_attention_dim": 32,
}
_CELLS: list[dict[str, Any]] = [
    {"cell_type": "markdown", "source": ["# A model"]},
    {"cell_type": "code", "source": ["%matplotlib inline\n", "!pip install keras\n", "import keras"]},
    {"cell_type": "code", "source": "%%time\nmodel = keras.Sequential()\n?model"},
    {"cell_type": "code", "source": ["%%bash\n", "ls"], "outputs": [{"text": ["x"]}]},
    {"cell_type": "code", "source": ["x = [\n", "  1,\n", "]\n", "files = !ls\n", "%time model.fit(x)"]},
]


def _written(name: str, document: Any) -> Path:
    path = _FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def configurations() -> list[bytes]:
    """A configuration of each kind, plain, quantised and with an adapter beside it."""
    quantised = {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}
    by_bits = {"quantization_config": {"quant_method": "gptq", "bits": 4}}
    by_float = {"quantization_config": {"quant_method": "compressed-tensors", "format": "float-quantized-fp8"}}
    found = []
    for config in format_samples.configs():
        found.extend({"config": {**config, **more}} for more in ({}, quantised, by_bits, by_float))
        found.append({"config": config, "adapter": _ADAPTER})
    found.append({"config": {**format_samples.configs()[0], "architectures": ["LlamaForSequenceClassification"]}})
    return [json.dumps(document).encode() for document in found]


def read_configuration(data: bytes) -> None:
    """A folder's configuration by its dimensions, or refused; what only the library builds ends before it."""
    from whichgpu.capturing.huggingface import configuring, reading

    document = json.loads(data)
    config = document.get("config", {}) if isinstance(document, dict) else document
    file = _written("model/config.json", config)
    adapter = document.get("adapter") if isinstance(document, dict) else None
    beside = file.with_name("adapter_config.json")
    beside.unlink(missing_ok=True)
    if adapter is not None:
        _written("model/adapter_config.json", adapter)
    found = configuring.read_configuration(file.parent)
    configuring.refuse_code(found)
    configuring.weight_precision(found.fields)
    configuring.native_precision(found.fields)
    # One question a file, as a user asks; which one, the bytes decide.
    phase = ("infer", "train", "generate")[sum(data) % 3]
    made = reading.by_dimensions(found, CaptureRequest(phase=phase, batch_size=2, sequence_length=4))
    for stage in made.parts() if made is not None else ():
        cost_table(made.alone(stage), allow_uncovered=True)


def pipelines() -> list[bytes]:
    """A folder of Stable Diffusion's kind, and one whose denoiser is a transformer."""
    index = {
        "_class_name": "StableDiffusionPipeline",
        "_diffusers_version": "0.30.0",
        "scheduler": ["diffusers", "PNDMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "safety_checker": [None, None],
    }
    parts = {
        "model_index.json": index,
        "unet/config.json": _UNET,
        "vae/config.json": {"_class_name": "AutoencoderKL", "block_out_channels": [8]},
        "text_encoder/config.json": {"model_type": "clip_text_model", "hidden_size": 32},
        "tokenizer/tokenizer_config.json": {"model_max_length": 77},
    }
    other = {name: row for name, row in index.items() if name != "unet"}
    second = {**parts, "model_index.json": {**other, "transformer": ["diffusers", "DiTTransformer2DModel"]}}
    second["transformer/config.json"] = {"num_layers": 2, "attention_head_dim": 8}
    return [json.dumps(document).encode() for document in (parts, second)]


def read_pipeline(data: bytes) -> None:
    """A pipeline's folder as its description."""
    from whichgpu.capturing.pipelines.describing import described

    document = json.loads(data)
    for name in json.loads(pipelines()[1]) | json.loads(pipelines()[0]):
        (_FOLDER / "pipeline" / name).unlink(missing_ok=True)
    for name, content in document.items():
        if name in json.loads(pipelines()[0]) or name in json.loads(pipelines()[1]):
            _written(f"pipeline/{name}", content)
    (_FOLDER / "pipeline").mkdir(exist_ok=True)
    described(_FOLDER / "pipeline").hash()


def notebooks() -> list[bytes]:
    """Notebooks in both layouts that they have had."""
    old = [{**cell, "input": cell["source"]} for cell in _CELLS if cell["cell_type"] == "code"]
    for cell in old:
        del cell["source"]
    documents = ({"cells": _CELLS, "nbformat": 4, "metadata": {}}, {"worksheets": [{"cells": old}], "nbformat": 3})
    return [json.dumps(document).encode() for document in documents]


def read_notebook(data: bytes) -> None:
    """A notebook as one script, with the place of each of its lines."""
    from whichgpu.capturing.notebooks import notebook

    found = notebook(data, "model.ipynb")
    for line in range(1, found.code.count(b"\n") + 2):
        if found.starts:
            found.place(line)
