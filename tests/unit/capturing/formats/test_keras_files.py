"""Configurations of saved Keras models: read from both formats, never trusted."""

from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import format_samples as samples
import pytest

from whichgpu.capturing.keras_files import load_config
from whichgpu.capturing.keras_files.configuration import load
from whichgpu.capturing.keras_files.reading import script
from whichgpu.errors import SourceUnreadable, Untraceable

DENSE: dict[str, Any] = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 3}}


def model(*layers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"module": "keras", "class_name": "Sequential", "config": {"layers": list(layers)}, **more}


def archive(folder: Path, config: object) -> Path:
    path = folder / "model.keras"
    path.write_bytes(samples.keras_archive(config))  # type: ignore[arg-type]
    return path


def test_an_archive_holds_its_configuration(tmp_path: Path) -> None:
    assert load_config(archive(tmp_path, model(DENSE))) == model(DENSE)


def test_the_format_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    path.write_bytes(samples.keras_archive(model(DENSE)))
    assert load_config(path)["class_name"] == "Sequential"


def test_hdf5_is_read_as_h5py_writes_it_old_and_new(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    path = tmp_path / "model.h5"
    for data in samples.hdf5_files():
        path.write_bytes(data)
        found = load(path)
        assert found.model == samples.keras_configs()[3]
        assert found.compiled["loss"] == "mse"


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ({"class_name": "Lambda", "config": {"function": "x"}}, "a Lambda layer holds code"),
        (
            {**DENSE, "config": {"activation": {"class_name": "__lambda__", "config": {"value": "4wEAAAA"}}}},
            "holds code",
        ),
        ({"module": "mine", "class_name": "Mine", "config": {}}, "a class of its author's"),
        ({"module": None, "class_name": "M", "config": {}, "registered_name": "mine>M"}, "a class of its author's"),
        ({"module": "builtins", "class_name": "function", "config": "exec"}, "a class of its author's"),
        ({"module": "os", "class_name": "function", "config": "system"}, "a class of its author's"),
        ({"module": "kerasx.layers", "class_name": "Dense", "config": {}}, "a class of its author's"),
        ({"class_name": "TFOpLambda", "config": {}}, "a function of TensorFlow"),
    ],
)
def test_what_would_run_code_is_refused_by_name(tmp_path: Path, layer: dict[str, Any], said: str) -> None:
    with pytest.raises(Untraceable, match=said):
        load_config(archive(tmp_path, model(DENSE, layer)))


def test_code_in_the_compile_options_is_refused_too(tmp_path: Path) -> None:
    compiled = {"loss": {"class_name": "__lambda__", "config": {}}}
    with pytest.raises(Untraceable, match="holds code"):
        load_config(archive(tmp_path, model(DENSE, compile_config=compiled)))


def test_values_of_the_configuration_stay_text_in_the_script(tmp_path: Path) -> None:
    nasty = "'''\"\"\"\\'); import os #\n"
    text = script(load(archive(tmp_path, model({**DENSE, "config": {"name": nasty}}))))
    names: dict[str, Any] = {}
    code = text.replace("import keras\n", "").replace("keras.models.model_from_json", "json.loads")
    exec(compile(code, "model.py", "exec"), names)
    assert names["model"]["config"]["layers"][0]["config"]["name"] == nasty


def test_optimizer_momentum_and_loss_come_from_the_file(tmp_path: Path) -> None:
    compiled = {
        "optimizer": {"module": "keras.optimizers", "class_name": "SGD", "config": {"momentum": 0.9}},
        "loss": {"module": "builtins", "class_name": "function", "config": "mean_squared_error"},
    }
    text = script(load(archive(tmp_path, model(DENSE, compile_config=compiled))))
    assert "keras.optimizers.SGD(momentum=0.9), loss='mean_squared_error'" in text


def test_a_file_of_weights_alone_says_so(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = ["a"]
    with pytest.raises(SourceUnreadable, match="weights alone"):
        load_config(path)


def bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made, made.open("config.json", "w") as member:
        for _ in range(300):
            member.write(b" " * 2**20)
    return stream.getvalue()


def crowded() -> bytes:
    data = bytearray(samples.keras_archive(model(DENSE)))
    end = data.rfind(b"PK\x05\x06")
    data[end + 12 : end + 16] = (2**31).to_bytes(4, "little")
    return bytes(data)


HOSTILE = {
    "empty": b"",
    "text": b"import keras",
    "a bomb": bomb(),
    "a directory of 2 GiB": crowded(),
    "half an archive": samples.keras_archive(model(DENSE))[:150],
    "no configuration": samples.keras_archive([]),  # type: ignore[arg-type]
    "a number": samples.keras_archive({"class_name": "Sequential", "config": 3}),
    "a billion": samples.keras_archive(model({**DENSE, "config": {"units": 10**30}})),
    "nested": samples.keras_archive(json.loads('{"a":' * 90 + "1" + "}" * 90)),
    "an HDF5 signature": b"\x89HDF\r\n\x1a\n" + bytes(200),
    "an HDF5 header in a circle": b"\x89HDF\r\n\x1a\n" + bytes([2, 8, 8, 0]) + bytes(24) + (44).to_bytes(8, "little")
    + b"OHDR\x02\x00\x20" + bytes([0x10, 16, 0, 0]) + (44).to_bytes(8, "little") + (50).to_bytes(8, "little")
    + bytes(60),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_one_clear_error_at_once(tmp_path: Path, name: str) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(HOSTILE[name])
    start = time.perf_counter()
    with pytest.raises(SourceUnreadable, match=r"^model\.keras"):
        load_config(path)
    assert time.perf_counter() - start < 5
