"""Tables over the whole catalogue: architectures, matrix units, places, cooling."""

from __future__ import annotations

from typing import Final

from whichgpu.catalog.support import support
from whichgpu.explaining import N_, _, messages
from whichgpu.explaining.figures import COOLING, value_text
from whichgpu.explaining.quantities import FRAMEWORK_NAMES, SYSTEM_NAMES, count, listed
from whichgpu.gpu import Gpu
from whichgpu.guiding.figures.hardware import figure
from whichgpu.guiding.reader import Reader
from whichgpu.guiding.reading import Findings, Table

FIRST_DAY: Final = "2017-05-10"
"""The tables of architectures begin with Volta, and with Vega a few weeks later."""

_UNITS: Final = {
    "FP16": "fp16_tensor_fp32acc_flops_per_s",
    "BF16": "bf16_tensor_flops_per_s",
    "TF32": "tf32_tensor_flops_per_s",
    "FP8": "fp8_tensor_flops_per_s",
    "FP4": "fp4_tensor_flops_per_s",
    "FP64": "fp64_tensor_flops_per_s",
}


def architectures(reader: Reader) -> Findings:
    """Every architecture since Vega and Volta with its fastest entry."""
    rows = [
        (
            architecture(gpu),
            year,
            gpu.name,
            figure(gpu, "fp32_flops_per_s"),
            figure(gpu, _UNITS["FP16"]),
            figure(gpu, "memory_bytes_per_s"),
        )
        for gpu, year in fastest(reader)
    ]
    headings = (_("architecture"), _("since"), _("fastest here"), _("FP32"), _("FP16, matrix"), _("bandwidth"))
    return Findings(
        values={
            "gpu": reader.gpu.name,
            "architecture": architecture(reader.gpu),
            "released": reader.gpu.release_date[:4],
            "entries": sum(1 for gpu in reader.catalog.gpus if not gpu.is_cpu),
        },
        tables={"architectures": Table(headings=headings, rows=tuple(rows), right=frozenset({3, 4, 5}))},
    )


def fastest(reader: Reader) -> list[tuple[Gpu, str]]:
    """The entry of the highest FP32 (or matrix) peak of each architecture, with the year of its first, by year."""
    found = [(max(group, key=_peak), year) for group, year in generations(reader)]
    return sorted(found, key=lambda row: (row[1], row[0].vendor, row[0].id))


def generations(reader: Reader) -> list[tuple[list[Gpu], str]]:
    """The entries of each architecture with the year of the first, from Vega and Volta on, by year."""
    groups: dict[tuple[str, str], list[Gpu]] = {}
    for gpu in reader.catalog.gpus:
        if not gpu.is_cpu:
            groups.setdefault((gpu.vendor, gpu.architecture), []).append(gpu)
    found = [(group, min(gpu.release_date for gpu in group)) for group in groups.values()]
    recent = [(group, day[:4]) for group, day in found if day >= FIRST_DAY]
    return sorted(recent, key=lambda row: (row[1], row[0][0].vendor))


ARCHITECTURES: Final = {
    "gcn4": "GCN 4 (Polaris)",
    "gcn5": "GCN 5 (Vega)",
    "mtt-quyuan": "Quyuan",
    "mtt-chunxiao": "Chunxiao",
    "xe-hpg": "Xe-HPG (Alchemist)",
    "xe2-hpg": "Xe2-HPG (Battlemage)",
    "xe-hpc": "Xe-HPC (Ponte Vecchio)",
    "xe-lpg": "Xe-LPG",
    "gaudi2": "Gaudi 2",
    "gaudi3": "Gaudi 3",
}
"""Architectures whose name is not their code in capitals."""


def architecture(gpu: Gpu) -> str:
    """The vendor and name of a GPU's architecture as people write it."""
    code = gpu.architecture.removeprefix("apple-")
    if code.startswith(("rdna", "cdna")):
        return f"{gpu.vendor} {code[:4].upper()} {code[4:]}"
    if code.startswith("tpu"):
        return f"{gpu.vendor} TPU {code.removeprefix('tpu-')}"
    return f"{gpu.vendor} {ARCHITECTURES.get(code) or code.capitalize()}"


def _peak(gpu: Gpu) -> float:
    return gpu.get("fp32_flops_per_s") or gpu.get("bf16_tensor_flops_per_s") or 0.0


def matrix_units(reader: Reader) -> Findings:
    """Which number formats the matrix units of each architecture take, and which have none."""
    rows, without = [], []
    for group, year in generations(reader):
        formats = [name for name, unit in _UNITS.items() if any(has(gpu, unit) for gpu in group)]
        if formats:
            rows.append((architecture(group[0]), year, listed(formats)))
        else:
            without.append(architecture(group[0]))
    own = [name for name, unit in _UNITS.items() if has(reader.gpu, unit)]
    return Findings(
        values={
            "gpu": reader.gpu.name,
            "formats": listed(own) if own else _("none"),
            "without": listed(without),
            "gtx": reader.catalog.get("gtx-1660-super").name,
        },
        tables={"units": Table(headings=(_("architecture"), _("since"), _("formats")), rows=tuple(rows))},
    )


def has(gpu: Gpu, unit: str) -> bool:
    """Whether a matrix unit is there that is faster than the ordinary ones."""
    rate = gpu.get(unit)
    return rate is not None and rate > (gpu.get("fp32_flops_per_s") or 0.0) / (2.0 if unit.startswith("fp64") else 1.0)


_PLACES: Final = (
    (N_("consumer card"), "rtx-5070-ti"),
    (N_("workstation card"), "rtx-4000-ada"),
    (N_("server card"), "l4"),
    (N_("server module"), "h100-sxm5-80gb"),
    (N_("edge module"), "jetson-orin-nx-16gb"),
    (N_("notebook"), "rtx-4070-laptop"),
)


def places(reader: Reader) -> Findings:
    """The same idea built for a desk, a rack and a machine in the field."""
    rows = []
    for label, name in _PLACES:
        gpu = reader.catalog.get(name)
        ecc = value_text("memory_ecc", gpu.text("memory_ecc"))
        memory, power = figure(gpu, "memory_bytes"), figure(gpu, "board_power_w")
        rows.append((_(label), gpu.name, memory, power, _(COOLING[gpu.text("cooling") or "system"]), ecc))
    headings = (_("made for"), _("example"), _("memory"), _("power"), _("cooling"), _("ECC"))
    return Findings(
        values={"gpu": reader.gpu.name, "market": _(MARKETS[reader.gpu.market])},
        tables={"places": Table(headings=headings, rows=tuple(rows), right=frozenset({2, 3}))},
    )


MARKETS: Final = {
    "consumer": N_("consumers"),
    "workstation": N_("workstations"),
    "datacenter": N_("datacentres"),
    "mobile": N_("notebooks"),
    "edge": N_("machines in the field"),
    "cloud": N_("clouds, to rent"),
}


def cooling(reader: Reader) -> Findings:
    """How many entries are cooled which way, and the reader's own."""
    gpus = [gpu for gpu in reader.catalog.gpus if not gpu.is_cpu]
    rows = []
    for kind, label in COOLING.items():
        mine = [gpu for gpu in gpus if gpu.text("cooling") == kind]
        hottest = max(mine, key=lambda gpu: gpu.get("board_power_w") or 0.0)
        rows.append((_(label), count(len(mine)), hottest.name, figure(hottest, "board_power_w")))
    headings = (_("cooling"), _("entries"), _("the hottest"), _("power"))
    return Findings(
        values={
            "gpu": reader.gpu.name,
            "own": _(COOLING[reader.gpu.text("cooling") or "system"]),
            "board": figure(reader.gpu, "board_power_w"),
        },
        tables={"kinds": Table(headings=headings, rows=tuple(rows), right=frozenset({1, 3}))},
    )


def software(reader: Reader) -> Findings:
    """What runs on the reader's GPU, by framework and operating system, with the dates of the sources."""
    systems = ("linux", "windows", "wsl", "macos")
    rows, read = [], set()
    for framework in ("pytorch", "tensorflow", "jax"):
        states = [support(reader.gpu, framework, system) for system in systems]
        read |= {state.source for state in states if state.source}
        rows.append((FRAMEWORK_NAMES[framework], *(_(messages.STATES[state.status]) for state in states)))
    headings = (_("framework"), *(SYSTEM_NAMES[system] for system in systems))
    return Findings(
        values={"gpu": reader.gpu.name, "vendor": reader.gpu.vendor, "sources": "; ".join(sorted(read))},
        tables={"support": Table(headings=headings, rows=tuple(rows))},
    )


def rays(reader: Reader) -> Findings:
    """Units for pictures: counted here, used by no operator."""
    from whichgpu.graph import Kind

    cores = reader.gpu.get("ray_tracing_cores")
    return Findings(
        values={
            "gpu": reader.gpu.name,
            "ray_cores": "–" if cores is None else int(cores),
            "upscaling": reader.gpu.text("upscaling") or _("none"),
            "kinds": len(Kind) - 1,
        }
    )
