"""What the reader's GPU is made of, beside a processor and beside other GPUs of the catalogue."""

from __future__ import annotations

from typing import Final

from whichgpu.explaining import N_, _
from whichgpu.explaining.quantities import duration, factor, plain, rate_of, shown
from whichgpu.gpu import Gpu
from whichgpu.guiding.reader import Reader
from whichgpu.guiding.reading import Findings, Table
from whichgpu.workload import Precision

PRECISIONS: Final = (
    ("FP64", ("fp64_flops_per_s", "fp64_tensor_flops_per_s")),
    ("FP32", ("fp32_flops_per_s", "fp32_matrix_flops_per_s")),
    ("TF32", (None, "tf32_tensor_flops_per_s")),
    ("FP16", ("fp16_flops_per_s", "fp16_tensor_fp32acc_flops_per_s")),
    ("BF16", ("bf16_flops_per_s", "bf16_tensor_flops_per_s")),
    ("FP8", (None, "fp8_tensor_flops_per_s")),
    ("INT8", (None, "int8_ops_per_s")),
    ("FP4", (None, "fp4_tensor_flops_per_s")),
)
"""A number format with its figures: in the ordinary units, and in the matrix units."""


def figure(gpu: Gpu, name: str | None) -> str:
    """A figure of a GPU as text, or a dash where it has none."""
    value = None if name is None else gpu.get(name)
    if value is None:
        return "–"
    return rate_of(name or "", value) if (name or "").endswith("_per_s") else shown(name or "", value)


def beside_a_cpu(reader: Reader) -> Findings:
    """The reader's GPU and a desktop processor on the same work."""
    rows = []
    for name in ("mnist-cnn", "lstm", "resnet50", "bert-base"):
        slow, fast = (reader.estimate(name, "train", gpu).latency_s.mid for gpu in (reader.cpu, reader.gpu))
        rows.append((name, duration(slow), duration(fast), factor(slow / fast)))
    headings = (_("training step"), reader.cpu.name, reader.gpu.name, _("ratio"))
    return Findings(
        values={
            "gpu": reader.gpu.name,
            "cpu": reader.cpu.name,
            "cpu_cores": int(reader.cpu.figure("multiprocessors")),
            "gpu_lanes": int(reader.gpu.figure("shader_cores")) if reader.gpu.get("shader_cores") else "–",
            "cpu_flops_per_s": reader.cpu.figure("fp32_flops_per_s"),
            "gpu_flops_per_s": reader.gpu.figure("fp32_flops_per_s"),
            "cpu_bytes_per_s": reader.cpu.figure("memory_bytes_per_s"),
            "gpu_bytes_per_s": reader.gpu.figure("memory_bytes_per_s"),
        },
        tables={"steps": Table(headings=headings, rows=tuple(rows), right=frozenset({1, 2, 3}))},
    )


_PARTS: Final = (
    ("multiprocessors", N_("multiprocessors (SM, compute unit)")),
    ("shader_cores", N_("FP32 lanes in all")),
    ("tensor_cores", N_("matrix units")),
    ("boost_clock_hz", N_("clock under load (boost)")),
    ("fp32_flops_per_s", N_("FP32 peak")),
    ("l2_bytes", N_("second-level cache")),
    ("memory_bytes", N_("memory")),
    ("memory_type", N_("memory type")),
    ("memory_bus_bits", N_("memory bus, bits")),
    ("memory_bytes_per_s", N_("memory bandwidth")),
    ("pcie_generation", N_("PCIe generation")),
    ("board_power_w", N_("board power")),
)


def inside(reader: Reader) -> Findings:
    """The parts of the reader's GPU, and its peak worked out from them."""
    gpu = reader.gpu
    rows = tuple((_(label), _part(gpu, name)) for name, label in _PARTS)
    cores, clock_hz = gpu.get("shader_cores"), gpu.get("boost_clock_hz")
    peak = None if cores is None or clock_hz is None else 2.0 * cores * clock_hz
    return Findings(
        values={
            "gpu": gpu.name,
            "lanes": "–" if cores is None else int(cores),
            "clock_hz": "–" if clock_hz is None else clock_hz,
            "worked_flops_per_s": "–" if peak is None else peak,
            "quoted_flops_per_s": gpu.figure("fp32_flops_per_s"),
            "issue_factor": "–" if peak is None else gpu.figure("fp32_flops_per_s") / peak,
        },
        tables={"parts": Table(headings=(_("part"), gpu.name), rows=rows, right=frozenset({1}))},
    )


def _part(gpu: Gpu, name: str) -> str:
    found = gpu.figures.get(name)
    if found is None:
        return "–"
    if isinstance(found.value, str):
        return found.value
    if name.endswith(("_per_s", "_hz")):
        return rate_of(name, found.value)
    return shown(name, found.value) if name.endswith(("_bytes", "_w")) else plain(found.value, 6)


def lanes(reader: Reader) -> Findings:
    """Lanes in step and processors each on its own way, counted."""
    gpu, cpu = reader.gpu, reader.cpu
    units, cores = gpu.figure("multiprocessors"), gpu.get("shader_cores")
    width = 64 if gpu.architecture.startswith(("gcn", "cdna")) else 32
    return Findings(
        values={
            "gpu": gpu.name,
            "cpu": cpu.name,
            "multiprocessors": int(units),
            "lanes_each": "–" if cores is None else int(cores / units),
            "width": width,
            "groups": "–" if cores is None else int(cores / width),
            "cpu_cores": int(cpu.figure("multiprocessors")),
        }
    )


def precisions(reader: Reader) -> Findings:
    """Peaks by number format, and what mixed precision changes on a real network."""
    gpu, fp32 = reader.gpu, reader.gpu.figure("fp32_flops_per_s")
    rows = []
    for label, (plain_name, matrix_name) in PRECISIONS:
        best = max((gpu.get(name) or 0.0 for name in (plain_name, matrix_name) if name), default=0.0)
        rows.append((label, figure(gpu, plain_name), figure(gpu, matrix_name), factor(best / fp32) if best else "–"))
    full, mixed = (
        reader.estimate("resnet50", "train", batch_size=64, precision=chosen).latency_s.mid
        for chosen in (Precision.FP32, Precision.AMP_FP16)
    )
    headings = (_("format"), _("ordinary units"), _("matrix units"), _("against FP32"))
    return Findings(
        values={
            "gpu": gpu.name,
            "fp32_flops_per_s": fp32,
            "fp64_factor": fp32 / gpu.figure("fp64_flops_per_s") if gpu.get("fp64_flops_per_s") else "–",
            "full_s": full,
            "mixed_s": mixed,
            "mixed_factor": full / mixed,
        },
        tables={"formats": Table(headings=headings, rows=tuple(rows), right=frozenset({1, 2, 3}))},
    )
