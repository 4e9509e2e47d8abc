"""Models of the zoo trained in earnest for a few steps, to see what memory they really take.

``python -m whichgpu.zoo.building.running < RUNS`` reads one JSON object a line ({"name": "resnet18", …}) and prints it
with what was measured. Each run is a process of its own: what a process was granted before, it keeps.
"""

from __future__ import annotations

import contextlib
import gc
import json
import multiprocessing
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from whichgpu.capturing.tracing import default_loss
from whichgpu.errors import DataError
from whichgpu.zoo.building.blueprint import Traced, blueprints
from whichgpu.zoo.building.collections import read_collections

_STEPS: Final = 2
_KIB: Final = 1024

_OPTIMIZERS: Final[Mapping[str, Callable[[Iterable[torch.nn.Parameter]], torch.optim.Optimizer]]] = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=1e-4),
    "momentum": lambda weights: torch.optim.SGD(weights, lr=1e-4, momentum=0.9),
    "adamw": lambda weights: torch.optim.AdamW(weights, lr=1e-5),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A zoo model, its batch, optimizer and precision (``fp32`` or ``amp-bf16``)."""

    name: str
    batch_size: int
    optimizer: str
    precision: str


def train(run: Run, device: str) -> None:
    """A few steps of training from a new model; everything is dropped at the end."""
    capture = _capture(run.name)
    module, inputs = capture.build(run.batch_size)
    module.train().to(device)
    placed = _placed(inputs, device)
    optimizer = _OPTIMIZERS[run.optimizer](weight for weight in module.parameters() if weight.requires_grad)
    mixed = torch.autocast(device, torch.bfloat16) if run.precision == "amp-bf16" else contextlib.nullcontext()
    for _ in range(_STEPS):
        optimizer.zero_grad()
        with mixed:
            found = module(**placed) if isinstance(placed, Mapping) else module(*_several(placed))
            loss = (capture.loss or default_loss)(found)
        del found
        loss.backward()
        optimizer.step()


def _capture(name: str) -> Traced:
    found = blueprints()[name].graphs.get("train")
    if not isinstance(found, Traced):
        raise DataError("{name} cannot be trained in earnest", name=name)
    return found


def _several(inputs: Any) -> tuple[Any, ...]:
    return tuple(inputs) if isinstance(inputs, list | tuple) else (inputs,)


def _placed(inputs: Any, device: str) -> Any:
    """The inputs on the device with every page of theirs written: zeros may have no memory yet."""
    if isinstance(inputs, torch.Tensor):
        return (torch.rand_like(inputs) if inputs.is_floating_point() else inputs.clone()).to(device)
    if isinstance(inputs, Mapping):
        return {name: _placed(value, device) for name, value in inputs.items()}
    if isinstance(inputs, list | tuple):
        return type(inputs)(_placed(value, device) for value in inputs)
    return inputs


def on_processor(run: Run) -> dict[str, float]:
    """Growth of the process' own memory in bytes, from before the model is made to the peak of training it.

    The peak is the kernel's high-water mark of resident pages, less those of files (code that was loaded meanwhile).
    Linux alone.
    """
    gc.collect()
    before = _status("RssAnon")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    train(run, "cpu")
    return {"resident_bytes": _status("VmHWM") - _status("RssFile") - _status("RssShmem") - before}


def on_gpu(run: Run) -> dict[str, float]:
    """Peaks of PyTorch's allocator in bytes: what tensors take and what it holds for them."""
    train(run, "cuda")
    return {
        "allocated_bytes": float(torch.cuda.max_memory_allocated()),
        "reserved_bytes": float(torch.cuda.max_memory_reserved()),
    }


def _status(name: str) -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return float(line.split()[1]) * _KIB
    raise DataError("the kernel does not tell {name}", name=name)


def measured(run: Run) -> dict[str, Any]:
    """The peaks of one run, or ``error``."""
    try:
        return on_gpu(run) if torch.cuda.is_available() else on_processor(run)
    except Exception as error:  # noqa: BLE001  (a model library's error is of any kind; the next run is tried)
        return {"error": f"{type(error).__name__}: {error}".splitlines()[0]}


def main() -> None:
    """Run every line of the standard input in a copy of this process, which has no threads and no device yet."""
    warnings.filterwarnings("ignore")
    read_collections()
    for line in sys.stdin:
        fields = json.loads(line)
        with multiprocessing.get_context("fork").Pool(1) as pool:
            print(json.dumps({**fields, **pool.apply(measured, (Run(**fields),))}), flush=True)


if __name__ == "__main__":
    main()
