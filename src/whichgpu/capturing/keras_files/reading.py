"""A saved Keras model as a Workload: its configuration goes to the sandbox, where Keras builds it without weights."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from whichgpu.capturing import caching
from whichgpu.capturing.extras import absent
from whichgpu.capturing.keras_files.configuration import Configuration, load
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.sandboxing.launching import run
from whichgpu.capturing.serialising import from_document
from whichgpu.errors import MissingExtra
from whichgpu.workload import Workload

BUILD: Final = """import json
import keras
model = keras.models.model_from_json({model})
"""
COMPILE: Final = """model.compile(optimizer=keras.optimizers.{optimizer}({options}), loss={loss})
"""
_NAMES: Final = "SGD RMSprop Adam AdamW Adadelta Adagrad Adamax Adafactor Nadam Ftrl Lion Lamb"
OPTIMIZERS: Final = {name.lower(): name for name in _NAMES.split()}
CLASSES: Final = {
    # class of a model in a configuration without modules (HDF5, Keras 1 and 2): where Keras 3 has it
    "Sequential": ("Sequential", "keras.src.models.sequential"),
    "Functional": ("Functional", "keras.src.models.functional"),
    "Model": ("Functional", "keras.src.models.functional"),
}


def read(source: str, request: CaptureRequest) -> Workload:
    """The workload of a ``.keras`` or ``.h5`` file; raises SourceError. No weight of it is read."""
    path = Path(source)
    configuration = load(path)
    _require(path.name)
    text = script(configuration)
    key = caching.key_of(text.encode(), path.name, request)

    def made() -> Workload:
        return from_document(run(_job(path, text, request), limits=request.limits)["workload"])

    found = caching.kept(key, request, made)
    return dataclasses.replace(found, name=path.stem, source_hash=hashlib.sha256(text.encode()).hexdigest())


def _require(name: str) -> None:
    missing = absent(("torch", "keras"))
    if missing:
        raise MissingExtra(
            "not installed, but needed to read {file}: {missing}",
            file=name,
            missing=", ".join(missing),
            hint="pip install 'whichgpu[{extra}]'",
            extra="keras",
        )


def script(configuration: Configuration) -> str:
    """The script that builds (and compiles) the model of a configuration; every value in it is quoted."""
    model = {key: value for key, value in configuration.model.items() if key not in ("compile_config", "build_config")}
    if "module" not in model and model["class_name"] in CLASSES:
        name, module = CLASSES[model["class_name"]]
        model.update(class_name=name, module=module, registered_name=name)
    text = BUILD.format(model=repr(json.dumps(model)))
    optimizer = _optimizer(configuration.compiled)
    if optimizer is None:
        return text
    return text + COMPILE.format(
        optimizer=optimizer[0], options=optimizer[1], loss=repr(_loss(configuration.compiled.get("loss")))
    )


def _optimizer(compiled: Mapping[str, Any]) -> tuple[str, str] | None:
    """Class and momentum of the optimizer, None where the model was not compiled with a known one."""
    found = compiled.get("optimizer") or compiled.get("optimizer_config")
    if isinstance(found, str):
        found = {"class_name": found, "config": {}}
    if not isinstance(found, dict):
        return None
    name = OPTIMIZERS.get(str(found.get("class_name")).lower())
    if name is None:
        return None
    config = found.get("config")
    momentum = config.get("momentum") if isinstance(config, dict) else None
    uses = name in ("SGD", "RMSprop") and isinstance(momentum, float) and 0.0 < momentum < 1.0
    return name, f"momentum={momentum!r}" if uses else ""


def _loss(found: Any) -> Any:
    """A loss by name: a class, a function, or one for each output."""
    if isinstance(found, list):
        return [_loss(item) for item in found]
    if isinstance(found, dict) and "class_name" not in found:
        return {str(key): _loss(item) for key, item in found.items()}
    if isinstance(found, dict):
        named = found.get("config") if found.get("class_name") == "function" else found.get("class_name")
        return named if isinstance(named, str) else None
    return found if isinstance(found, str) else None


def _job(path: Path, text: str, request: CaptureRequest) -> dict[str, Any]:
    return {
        "file": f"{path.stem}.py",
        "text": text,
        "beside": str(path.resolve().parent),
        "framework": "keras",
        "tensorflow": False,
        "request": request.document(),
        "limits": dataclasses.asdict(request.limits),
    }
