"""The support matrix: answered nearly everywhere, each answer with its source; anchors from the sources themselves."""

from __future__ import annotations

import pytest

from whichgpu.catalog import default_catalog
from whichgpu.catalog.support import FEATURES, FRAMEWORKS, install, support

CATALOG = default_catalog()
GPUS = [gpu for gpu in CATALOG.gpus if not gpu.is_cpu]


def test_under_five_percent_of_the_matrix_is_unknown() -> None:
    cells: dict[tuple[str, str, str, str], set[str]] = {}
    for gpu in GPUS:
        for framework in FRAMEWORKS:
            for system in ("linux", "windows"):
                state = support(gpu, framework, system)
                cells.setdefault((gpu.vendor, gpu.architecture, framework, system), set()).add(state.status)
    unknown = [cell for cell, states in cells.items() if "unknown" in states]
    assert len(unknown) < 0.05 * len(cells), unknown


def test_every_answer_names_its_source() -> None:
    for gpu in GPUS:
        for framework in (*FRAMEWORKS, *FEATURES):
            for system in ("linux", "windows", "wsl", "macos"):
                state = support(gpu, framework, system)
                assert state.status == "unknown" or (state.source and state.url and state.date), (gpu.id, framework)


@pytest.mark.parametrize(
    ("gpu", "framework", "system", "status"),
    [
        ("rtx-2080-ti", "vllm", "linux", "official"),  # compute capability 7.5
        ("titan-v", "vllm", "linux", "ended"),  # 7.0, up to 0.14
        ("gtx-1080-ti", "vllm", "linux", "none"),
        ("rtx-4090", "vllm", "windows", "community"),
        ("mi300x", "vllm", "linux", "official"),
        ("rx-6900-xt", "vllm", "linux", "none"),
        ("gtx-1080-ti", "bitsandbytes", "linux", "official"),  # 6.1
        ("titan-x-maxwell", "bitsandbytes", "linux", "none"),  # 5.2
        ("rtx-2080-ti", "flash-attention", "linux", "none"),
        ("rtx-3090", "flash-attention", "linux", "official"),
        ("titan-v", "tensorrt", "linux", "ended"),
        ("mi210", "onnxruntime", "linux", "vendor-build"),
        ("rx-vega-56", "onnxruntime", "windows", "official"),  # DirectML
        ("arc-b580", "onnxruntime", "windows", "vendor-build"),
        ("m4-max-40c", "onnxruntime", "macos", "official"),
    ],
)
def test_anchors(gpu: str, framework: str, system: str, status: str) -> None:
    assert support(CATALOG.get(gpu), framework, system).status == status


def test_the_wheel_follows_the_architecture() -> None:
    assert "cu130" in (install(CATALOG.get("rtx-4090"), "pytorch", "linux") or "")
    assert "cu126" in (install(CATALOG.get("titan-v"), "pytorch", "windows") or "")
    assert "xpu" in (install(CATALOG.get("arc-b580"), "pytorch", "windows") or "")
    assert install(CATALOG.get("rtx-4090"), "tensorflow", "windows") is None
    assert "and-cuda" in (install(CATALOG.get("rtx-4090"), "tensorflow", "wsl") or "")


def test_amd_has_a_command_where_the_packages_have_kernels_for_it_and_nowhere_else():
    packaged = {"official", "in-wheels", "by-override"}
    for gpu in CATALOG.gpus:
        if gpu.vendor == "AMD" and not gpu.is_cpu:
            command = install(gpu, "pytorch", "linux")
            assert (command is not None) == (support(gpu, "pytorch", "linux").status in packaged), gpu.id
            assert install(gpu, "pytorch", "windows") is None  # a list of files by version, no one command
    assert install(CATALOG.get("rx-7900-xtx"), "pytorch", "linux").endswith("whl/rocm7.2")
    assert "tensorflow-rocm" in install(CATALOG.get("mi300x"), "tensorflow", "linux")
    assert "migraphx" in install(CATALOG.get("mi300x"), "onnxruntime", "linux")
