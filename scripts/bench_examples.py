"""``make bench-examples``: models measured on this machine's GPU, set beside what its data sheet alone predicts.

The five example scripts under Keras with PyTorch and with TensorFlow, ResNet-50 and BERT-base under PyTorch, each in a
process of its own. Rows are kept in ``data/measurements/own``, in the schema of ``docs/validate.md``; they stay out of
the default calibration. Without a GPU nothing is measured. ``--device cpu`` runs the same on the processor; its rows
are kept only in a folder named with ``--out``.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from bench_rows import Measured, append, beside, row

from whichgpu.catalog import Catalog, default_catalog
from whichgpu.catalog.this_cpu import this_cpu
from whichgpu.cli.detection import of_nvidia, of_rocm
from whichgpu.explaining.quantities import duration
from whichgpu.predicting.coefficients import shipped
from whichgpu.validating.report import table
from whichgpu.zoo import entry

ROOT: Final = Path(__file__).resolve().parent.parent
OWN: Final = ROOT / "data" / "measurements" / "own"
EXAMPLES: Final = ("mnist_cnn", "simple_rnn", "lstm", "gru", "vgg16_transfer")
MODELS: Final[Mapping[str, str]] = {"resnet50": "momentum", "bert-base": "adam"}
"""Models of the zoo, with the optimizer that trains each."""

NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "keras-torch": ("torch", "keras"),
    "keras-tensorflow": ("tensorflow", "keras"),
    "pytorch": ("torch", "torchvision", "transformers"),
}
"""The packages of each software."""

LIMIT_S: Final = 1800


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What one process measures; ``script`` is the example's path in the repository, empty for a model of the zoo."""

    model: str
    software: str
    phase: str
    dtype: str
    batch: int
    optimizer: str
    script: str
    device: str
    warm_up: int
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What is measured: its name as the driver gives it, the driver's version, and ``cuda`` or ``cpu``."""

    name: str
    driver: str
    kind: str


def main() -> None:
    """Measure every case that the installed software can run, keep the rows, and print them beside the predictions."""
    given = _arguments()
    device = found_device(given.device)
    if device is None:
        print("skipped: there is no NVIDIA or AMD GPU here (--device cpu measures the processor)")
        return
    wanted = [each for each in cases(device.kind, given.steps) if not given.only or each.model in given.only]
    rows, notes = [], []
    for case in wanted:
        lacking = [name for name in NEEDED[case.software] if importlib.util.find_spec(name) is None]
        made = f"{', '.join(lacking)} not installed" if lacking else measured(case)
        if isinstance(made, str):
            notes.append(f"{case.model}, {case.software}, {case.phase}, {case.dtype}: skipped, {made}")
            continue
        notes.extend(made.notes)
        rows.append(row(asdict(case), made, asdict(device), entry(case.model).family, today()))
    report(rows, notes, device, given.out or (OWN if device.kind == "cuda" else None))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="models measured on this machine, beside the spec-only prediction")
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu")
    parser.add_argument("--out", type=Path, help="the folder that keeps the rows")
    parser.add_argument("--only", nargs="*", default=(), help="models of the built-in ones: lstm, resnet50 …")
    parser.add_argument("--steps", type=int, default=50, help="timed steps of each; a fifth as many come before")
    return parser.parse_args()


def today() -> str:
    """The date of the measurement."""
    return datetime.datetime.now(tz=datetime.UTC).date().isoformat()


# --- what is measured ---------------------------------------------------------------------------------------------


def found_device(wanted: str) -> Device | None:
    """This machine's first GPU by its driver, or its processor; None where there is no GPU."""
    if wanted == "cpu":
        from whichgpu.catalog.this_cpu import processor_name

        return Device(name=processor_name(), driver=platform.release(), kind="cpu")
    nvidia = asked("nvidia-smi", "--query-gpu=driver_version,name,memory.total", "--format=csv,noheader,nounits")
    if nvidia:
        driver, _comma, rest = nvidia[0].partition(",")
        return Device(name=next(of_nvidia([rest])).name, driver=driver.strip(), kind="cuda")
    amd = next(of_rocm(asked("rocm-smi", "--showproductname")), None)
    if amd is not None:
        versions = [line.rpartition(":")[2].strip() for line in asked("rocm-smi", "--showdriverversion") if ":" in line]
        return Device(name=amd.name, driver=versions[-1] if versions else "", kind="cuda")
    return None


def asked(*command: str) -> list[str]:
    """The lines that a tool prints; none where it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def cases(device: str, steps: int) -> Iterator[Case]:
    """Everything to measure; mixed precision on GPUs alone."""
    warm_up = max(1, steps // 5)
    for software in ("keras-torch", "keras-tensorflow"):
        for name in EXAMPLES:
            yield Case(
                model=name.replace("_", "-"),
                software=software,
                phase="train",
                dtype="float32",
                batch=0,
                optimizer="adam",
                script=f"examples/{name}.py",
                device=device,
                warm_up=warm_up,
                steps=steps,
            )
    for model, optimizer in MODELS.items():
        for phase in ("train", "infer"):
            for dtype in ("float32", "amp-fp16") if device == "cuda" else ("float32",):
                yield Case(
                    model=model,
                    software="pytorch",
                    phase=phase,
                    dtype=dtype,
                    batch=entry(model).batch_size,
                    optimizer=optimizer,
                    script="",
                    device=device,
                    warm_up=warm_up,
                    steps=steps,
                )


def measured(case: Case) -> Measured | str:
    """The measurement of a case in a process of its own, or what kept it from one."""
    command = [sys.executable, str(ROOT / "scripts" / "bench_timing.py"), json.dumps(asdict(case))]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"no result within {LIMIT_S} s"
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        return lines[-1] if lines else f"it ended with {done.returncode}"
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


# --- what is kept and printed -------------------------------------------------------------------------------------


def report(rows: Sequence[Mapping[str, Any]], notes: Sequence[str], device: Device, kept: Path | None) -> None:
    """Keep the rows, and print each beside its prediction."""
    if rows:
        catalog = _catalog(device)
        with tempfile.TemporaryDirectory() as folder:
            append(rows, Path(folder))
            predictions = beside(Path(folder), catalog)
        headings = [
            "model",
            "software",
            "phase",
            "precision",
            "batch",
            "measured",
            "predicted",
            "80 % interval",
            "ratio",
        ]
        print(f"{device.name}, driver {device.driver}\n")
        print(table(headings, [_line(each, known) for each, known in zip(rows, predictions, strict=True)]))
        if kept is not None:
            print(f"\nkept in {append(rows, kept)}")
        else:
            print("\nnot kept: name a folder with --out")
    for note in dict.fromkeys(notes):
        print(f"\n{note}")


def _catalog(device: Device) -> Catalog:
    """The catalogue; a processor is in it with what a probe of a second measures."""
    if device.kind == "cuda":
        return default_catalog()
    family = shipped().cpu_family()
    return default_catalog().with_entries([this_cpu(family.utilization["fp32"], family.bandwidth)], {})


def _line(each: Mapping[str, Any], known: tuple[float, float, float] | None) -> list[str]:
    measured_s = float(each["value"]) / 1e3
    facts = [str(each[name]) for name in ("model", "framework", "phase", "dtype", "batch")]
    if known is None:
        return [*facts, duration(measured_s), "–", "–", "–"]
    low, middle, high = known
    interval = f"{duration(low)} – {duration(high)}"
    return [*facts, duration(measured_s), duration(middle), interval, f"{middle / measured_s:.2f}"]


if __name__ == "__main__":
    main()
