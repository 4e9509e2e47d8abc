"""Saved Keras models through the sandbox: both file formats give the same workload, compiled as the file says."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

if any(importlib.util.find_spec(name) is None for name in ("keras", "torch", "h5py")):
    pytest.skip("needs keras", allow_module_level=True)
sys.path.append(str(Path(__file__).resolve().parents[1] / "fuzz"))

import format_samples as samples

from whichgpu.capturing import CaptureRequest, capture
from whichgpu.costing import cost_table
from whichgpu.graph import Kind, Phase

pytestmark = pytest.mark.keras

INPUT = {"class_name": "InputLayer", "config": {"batch_shape": [None, None, 6], "dtype": "float32", "name": "in"}}
LAYERS = [
    {"class_name": "LSTM", "config": {"name": "lstm", "units": 5}},
    {"class_name": "Dense", "config": {"name": "dense", "units": 3, "activation": "softmax"}},
]
PARAMETERS = 4 * 5 * (6 + 5 + 1) + 5 * 3 + 3


def modern(folder: Path) -> Path:
    rows = [{"module": "keras.layers", "registered_name": None, **row} for row in (INPUT, *LAYERS)]
    config: dict[str, Any] = {"module": "keras", "class_name": "Sequential", "registered_name": "Sequential"}
    config["config"] = {"name": "model", "layers": rows}
    adam = {"module": "keras.optimizers", "class_name": "Adam", "config": {}, "registered_name": None}
    path = folder / "model.keras"
    path.write_bytes(samples.keras_archive({**config, "compile_config": {"optimizer": adam, "loss": "mse"}}))
    return path


def former(folder: Path) -> Path:
    """The HDF5 file of Keras 2: classes without modules, ``batch_input_shape``."""
    h5py = pytest.importorskip("h5py")
    first = {
        "class_name": "InputLayer",
        "config": {"batch_input_shape": [None, None, 6], "dtype": "float32", "name": "in"},
    }
    config = {"class_name": "Sequential", "config": {"name": "model", "layers": [first, *LAYERS]}}
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["training_config"] = json.dumps(
            {"optimizer_config": {"class_name": "Adam", "config": {}}, "loss": "mse"}
        )
    path = folder / "model.h5"
    path.write_bytes(stream.getvalue())
    return path


@pytest.mark.parametrize("write", [modern, former])
def test_a_saved_model_is_its_layers_and_its_optimizer(tmp_path: Path, write: Any) -> None:
    found = capture(str(write(tmp_path)), CaptureRequest(batch_size=2, sequence_length=7, cache=False))
    assert found.graph.parameters == PARAMETERS
    assert (found.name, found.phase, found.optimizer) == ("model", "train", "adam")
    assert cost_table(found).product_flops(Phase.FORWARD) == 2 * 2 * (7 * 20 * (6 + 5) + 5 * 3)
    assert sum(operator.kind is Kind.RNN for operator in found.graph.operators) == 2
