"""Each kind of file through the three commands and from Python: one model, one count of parameters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import whichgpu

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "fuzz"))
import format_samples

LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "vocab_size": 1000,
    "max_position_embeddings": 512,
}
# Two tables of 1000 x 64; two layers of four 64 x 64, three 64 x 128 and two norms of 64; the last norm.
LLAMA_PARAMETERS = 2 * 1000 * 64 + 2 * (4 * 64 * 64 + 3 * 64 * 128 + 2 * 64) + 64
# Eight filters of 3 x 3 with a bias each; ten outputs of 26 x 26 x 8 inputs with a bias each.
DIGITS_PARAMETERS = 8 * (9 + 1) + 10 * (26 * 26 * 8 + 1)
DIGITS = """
import keras
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    keras.layers.Conv2D(8, 3, activation="relu"),
    keras.layers.Flatten(),
    keras.layers.Dense(10, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy")
"""
FIT = "(x, y), _ = keras.datasets.mnist.load_data()\nmodel.fit(x[..., None] / 255.0, y, batch_size=64)\n"


def _configuration(folder: Path) -> Path:
    (folder / "config.json").write_text(json.dumps(LLAMA))
    return folder / "config.json"


def _folder(folder: Path) -> Path:
    return _configuration(folder).parent


def _safetensors(folder: Path) -> Path:
    _configuration(folder)
    shapes = {f"tensor{number}": (number,) for number in (1, LLAMA_PARAMETERS - 1)}
    (folder / "model.safetensors").write_bytes(format_samples.safetensors(shapes))
    return folder / "model.safetensors"


def _notebook(folder: Path) -> Path:
    cells = [{"cell_type": "code", "source": ["%matplotlib inline\n", DIGITS]}, {"cell_type": "code", "source": FIT}]
    (folder / "digits.ipynb").write_text(json.dumps({"cells": cells, "nbformat": 4, "metadata": {}}))
    return folder / "digits.ipynb"


def _script(folder: Path) -> Path:
    (folder / "digits.py").write_text(DIGITS + FIT)
    return folder / "digits.py"


def _saved_by_keras(ending: str) -> Callable[[Path], Path]:
    def made(folder: Path) -> Path:
        path = folder / f"digits.{ending}"
        code = f"{DIGITS}\nmodel.save({str(path)!r})"
        environment = {**os.environ, "KERAS_BACKEND": "torch"}
        subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)
        return path

    return made


SOURCES: dict[str, tuple[Callable[[Path], Path], int]] = {
    "script": (_script, DIGITS_PARAMETERS),
    "notebook": (_notebook, DIGITS_PARAMETERS),
    "keras": (_saved_by_keras("keras"), DIGITS_PARAMETERS),
    "h5": (_saved_by_keras("h5"), DIGITS_PARAMETERS),
    "configuration": (_configuration, LLAMA_PARAMETERS),
    "folder": (_folder, LLAMA_PARAMETERS),
    "safetensors": (_safetensors, LLAMA_PARAMETERS),
}


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, int]:
    make, parameters = SOURCES[request.param]
    return make(tmp_path), parameters


def test_the_three_commands_read_it(cli, source):
    path, parameters = source
    for command in (["capture"], ["estimate", "--gpu", "rtx-3090"], ["recommend", "--top", "1"]):
        done = cli(command[0], str(path), *command[1:])
        assert done.status == 0, done.err
        assert f"{parameters:,} parameters" in done.out.replace("\n", " ")


def test_python_reads_it(source):
    path, parameters = source
    assert whichgpu.capture(str(path)).parameters == parameters
