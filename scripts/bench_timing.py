"""One measurement of ``make bench-examples``: steps of one model under one stack, in a process of its own.

``python scripts/bench_timing.py '{"model": "lstm", …}'`` prints one line of JSON. Steps follow a warm-up, the device is
waited for before each is timed, and inputs come from pageable memory of the host in every step, as a training loop
brings them.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
RESIDENT_BATCHES: Final = 10
"""Batches of synthetic data that Keras' fit goes through again and again."""

Wait = Callable[[], None]


def main() -> None:
    """Measure the case on the command line."""
    case = json.loads(sys.argv[1])
    measure = pytorch if case["software"] == "pytorch" else keras_fit
    print(json.dumps(measure(case)))


def result(times_s: list[float], versions: Mapping[str, str], notes: list[str]) -> dict[str, Any]:
    """The median step in seconds, the quartiles around it, what ran it, and what stood in for what was not there."""
    low, _middle, high = statistics.quantiles(times_s, n=4)
    return {
        "step_s": statistics.median(times_s),
        "quartiles_s": [low, high],
        "steps": len(times_s),
        "versions": dict(versions),
        "notes": notes,
    }


# --- the example scripts under Keras ------------------------------------------------------------------------------


def keras_fit(case: Mapping[str, Any]) -> dict[str, Any]:
    """Steps of ``fit`` of the model that a script compiles, from the begin of one to the begin of the next."""
    backend = case["software"].removeprefix("keras-")
    os.environ["KERAS_BACKEND"] = backend
    import keras
    import train_examples

    notes: list[str] = []
    model, asked = train_examples.compiled(ROOT / case["script"], notes)
    batch = int(asked.get("batch_size", 32))
    wait, versions = (_tensorflow if backend == "tensorflow" else _torch)(case["device"])
    x, y = train_examples.synthetic(model, batch * RESIDENT_BATCHES)
    begins: list[float] = []

    def begin(step: int, logs: Any) -> None:
        wait()
        begins.append(time.perf_counter())

    timer = keras.callbacks.LambdaCallback(on_train_batch_begin=begin)
    steps = case["warm_up"] + case["steps"] + 1
    epochs = -(-steps // RESIDENT_BATCHES)
    model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0, callbacks=[timer])
    times = [end - start for start, end in itertools.pairwise(begins)][case["warm_up"] : steps - 1]
    return {**result(times, {"keras": keras.__version__, **versions}, notes), "batch": batch}


def _tensorflow(device: str) -> tuple[Wait, dict[str, str]]:
    import tensorflow

    if device == "cuda" and not tensorflow.config.list_physical_devices("GPU"):
        raise SystemExit("TensorFlow sees no GPU")
    built = tensorflow.sysconfig.get_build_info()
    versions = {
        "tensorflow": tensorflow.__version__,
        "cuda": built.get("cuda_version"),
        "hip": built.get("rocm_version"),
    }
    return tensorflow.test.experimental.sync_devices, _known(versions)


def _torch(device: str) -> tuple[Wait, dict[str, str]]:
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("PyTorch sees no GPU")
    versions = {"torch": torch.__version__, "cuda": torch.version.cuda, "hip": torch.version.hip}
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    return wait, _known(versions)


def _known(versions: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in versions.items() if value}


# --- models of the zoo under PyTorch ------------------------------------------------------------------------------


def pytorch(case: Mapping[str, Any]) -> dict[str, Any]:
    """Steps of a model of the zoo, built as its entry was captured: training with its optimizer, or inference."""
    from whichgpu.zoo.building.blueprint import blueprints
    from whichgpu.zoo.building.collections import read_collections

    wait, versions = _torch(case["device"])
    read_collections()
    capture = blueprints()[case["model"]].graphs[case["phase"]]
    module, inputs = capture.build(case["batch"])  # type: ignore[attr-defined]
    module.to(case["device"])
    prepare = _training if case["phase"] == "train" else _inference
    step = prepare(module, capture, case)
    inputs = filled(inputs)
    times = []
    for _ in range(case["warm_up"] + case["steps"]):
        wait()
        start = time.perf_counter()
        step(placed(inputs, case["device"]))
        wait()
        times.append(time.perf_counter() - start)
    return {**result(times[case["warm_up"] :], versions, []), "batch": case["batch"]}


def _called(module: Any, inputs: Any) -> Any:
    if isinstance(inputs, Mapping):
        return module(**inputs)
    return module(*inputs) if isinstance(inputs, list | tuple) else module(inputs)


def _mixed(case: Mapping[str, Any]) -> contextlib.AbstractContextManager[Any]:
    import torch

    mixed: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()
    return torch.autocast(case["device"], torch.float16) if case["dtype"] == "amp-fp16" else mixed


def _training(module: Any, capture: Any, case: Mapping[str, Any]) -> Callable[[Any], None]:
    import torch

    from whichgpu.capturing.tracing import default_loss

    module.train()
    optimizers = {
        "momentum": lambda weights: torch.optim.SGD(weights, lr=1e-4, momentum=0.9),
        "adam": lambda weights: torch.optim.Adam(weights, lr=1e-5),
    }
    optimizer = optimizers[case["optimizer"]]([each for each in module.parameters() if each.requires_grad])
    scaler = torch.amp.GradScaler(case["device"], enabled=case["dtype"] == "amp-fp16")

    def step(inputs: Any) -> None:
        optimizer.zero_grad()
        with _mixed(case):
            loss = (capture.loss or default_loss)(_called(module, inputs))
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()

    return step


def _inference(module: Any, capture: Any, case: Mapping[str, Any]) -> Callable[[Any], None]:
    import torch

    del capture
    module.eval()

    def step(inputs: Any) -> None:
        with torch.inference_mode(), _mixed(case):
            _called(module, inputs)

    return step


def filled(inputs: Any) -> Any:
    """Inputs of the same shapes with every page of theirs written: zeros may have no memory yet."""
    return _each(inputs, lambda tensor: _random(tensor) if tensor.is_floating_point() else tensor.clone())


def _random(tensor: Any) -> Any:
    import torch

    return torch.rand_like(tensor)


def placed(inputs: Any, device: str) -> Any:
    """The inputs on the device."""
    return _each(inputs, lambda tensor: tensor.to(device))


def _each(inputs: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(inputs, Mapping):
        return {name: _each(value, change) for name, value in inputs.items()}
    if isinstance(inputs, list | tuple):
        return type(inputs)(_each(value, change) for value in inputs)
    return change(inputs) if hasattr(inputs, "is_floating_point") else inputs


if __name__ == "__main__":
    main()
