"""``make check-memory``: zoo models trained in earnest on this machine, beside what memory is predicted for them.

``python scripts/check_memory.py`` trains 24 models in three configurations each, in a process of its own every one, on
the GPU where PyTorch finds one, else on the processor, and prints a row each, the mean error, and the bound that it
must keep. ``--measured FILE`` takes the rows of a run before instead; those of this one are kept in
``data/memory_check.jsonl``, or ``data/memory_check_gpu.jsonl``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from whichgpu import zoo
from whichgpu.catalog import default_catalog
from whichgpu.costing import resolve
from whichgpu.estimate import MemoryParts
from whichgpu.gpu import Gpu
from whichgpu.predicting.memory import memory_of
from whichgpu.units import MIB
from whichgpu.workload import Precision

MODELS: Final[Mapping[str, int]] = {
    "resnet18": 8,
    "mobilenet_v2": 4,
    "shufflenet_v2_x1_0": 8,
    "squeezenet1_1": 8,
    "efficientnet_b0": 4,
    "mnasnet0_5": 8,
    "regnet_x_400mf": 8,
    "googlenet": 8,
    "densenet121": 2,
    "alexnet": 16,
    "mobilenet_v3_small": 12,
    "segformer-b0": 2,
    "crnn": 8,
    "vae-celeba-64": 64,
    "beta-vae-64": 128,
    "sasrec": 64,
    "neumf": 65536,
    "patchtst": 64,
    "informer": 32,
    "time-series-transformer": 64,
    "tcn": 256,
    "vq-vae-32": 64,
    "yolov8n": 2,
    "lraspp_mobilenet_v3_large": 4,
}
"""The models and a batch at which each takes some hundred MiB."""

KEPT: Final = Path(__file__).parent.parent / "data"
BOUNDS: Final = {"resident_bytes": 0.08, "allocated_bytes": 0.05, "reserved_bytes": 0.08}
"""The mean error that each figure must keep."""

_PROCESSOR: Final = "ryzen-7-9700x"

Row = dict[str, Any]


def configurations() -> Iterator[Row]:
    """Three of every model: small and plain, twice the batch with Adam's states, and mixed precision."""
    for name, batch in MODELS.items():
        yield {"name": name, "batch_size": batch, "optimizer": "sgd", "precision": "fp32"}
        yield {"name": name, "batch_size": 2 * batch, "optimizer": "adamw", "precision": "fp32"}
        yield {"name": name, "batch_size": batch, "optimizer": "adamw", "precision": "amp-bf16"}


def measured() -> list[Row]:
    """Every configuration trained in earnest; the models' libraries are loaded once."""
    asked = "".join(f"{json.dumps(row)}\n" for row in configurations())
    command = [sys.executable, "-m", "whichgpu.zoo.building.running"]
    done = subprocess.run(command, input=asked, stdout=subprocess.PIPE, text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    gpu = any("allocated_bytes" in row for row in rows)
    (KEPT / f"memory_check{'_gpu' if gpu else ''}.jsonl").write_text(done.stdout, encoding="utf-8")
    return rows


def predicted(row: Row, device: Gpu) -> MemoryParts:
    """The memory of a configuration, on the path of every estimate."""
    plain = Precision.FP32 if device.is_cpu else Precision.DEFAULT
    work = dataclasses.replace(
        zoo.workload(row["name"], "train", row["batch_size"]),
        optimizer=row["optimizer"],
        precision=plain if row["precision"] == "fp32" else Precision(row["precision"]),
    )
    return memory_of(work, [device], [resolve(work, device)], drops_outputs=True)[0]


def figures(parts: MemoryParts) -> dict[str, float]:
    """A prediction by the names of what is measured."""
    reserved = parts.total_bytes - parts.context_bytes
    return {
        "resident_bytes": parts.total_bytes,
        "allocated_bytes": reserved - parts.allocator_bytes,
        "reserved_bytes": reserved,
    }


def compare(rows: list[Row], device: Gpu) -> dict[str, list[float]]:
    """Print a line a row; the relative errors by figure."""
    errors: dict[str, list[float]] = {}
    for row in rows:
        title = f"{row['name']} x{row['batch_size']} {row['optimizer']} {row['precision']}"
        if "error" in row:
            print(f"{title:52s} {row['error']}")
            continue
        for figure, value in figures(predicted(row, device)).items():
            if figure in row:
                error = value / row[figure] - 1.0
                errors.setdefault(figure, []).append(error)
                print(f"{title:52s} {row[figure] / MIB:7.0f} MiB, predicted {value / MIB:7.0f}, {100 * error:+6.1f} %")
    return errors


def main() -> int:
    """1 where a mean error is above its bound."""
    parser = argparse.ArgumentParser(description="memory of models trained in earnest, beside the prediction")
    parser.add_argument("--measured", type=Path, help="rows of a run before")
    parser.add_argument("--gpu", default=_PROCESSOR, help="the catalogue's name of the device")
    given = parser.parse_args()
    lines = given.measured.read_text(encoding="utf-8").splitlines() if given.measured else []
    rows = [json.loads(line) for line in lines] if given.measured else measured()
    errors = compare(rows, default_catalog().get(given.gpu))
    kept = True
    for figure, found in errors.items():
        mean = sum(abs(error) for error in found) / len(found)
        bias = sum(found) / len(found)
        print(f"{figure}: {len(found)} rows, mean error {mean:.1%}, bias {bias:+.1%}, at most {BOUNDS[figure]:.0%}")
        kept = kept and mean <= BOUNDS[figure]
    return 0 if kept and errors else 1


if __name__ == "__main__":
    sys.exit(main())
