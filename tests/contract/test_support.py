"""The support table: every rule is well formed, every state has a source and a date, and facts read hold."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from whichgpu.catalog import default_catalog
from whichgpu.catalog import support as support_module
from whichgpu.catalog.support import FEATURES, FRAMEWORKS, STATUSES, SYSTEMS, support, supports

CATALOG = default_catalog()
DOCUMENT = tomllib.loads((Path(support_module.__file__).with_name("support.toml")).read_text(encoding="utf-8"))
KEYS = {
    *("frameworks", "os", "vendor", "vendors", "forms", "gpus", "architectures", "gfx", "min", "below"),
    *("status", "until", "source", "note"),
}


def test_rules_are_well_formed():
    for rule in DOCUMENT["rule"]:
        assert set(rule) <= KEYS
        assert rule["status"] in STATUSES
        assert set(rule["os"]) <= set(SYSTEMS)
        assert rule["frameworks"] == ["*"] or set(rule["frameworks"]) <= {*FRAMEWORKS, *FEATURES}
        assert rule["source"] in DOCUMENT["sources"]
    for source in DOCUMENT["sources"].values():
        assert set(source) == {"title", "publisher", "date", "url"}
        assert source["url"].startswith("https://")


def test_rules_name_vendors_architectures_and_targets_that_exist():
    vendors = {gpu.vendor for gpu in CATALOG.gpus} | {"Huawei", "Hygon"}
    architectures = {gpu.architecture for gpu in CATALOG.gpus}
    for rule in DOCUMENT["rule"]:
        assert {rule.get("vendor", "AMD"), *rule.get("vendors", ())} <= vendors
        assert set(rule.get("architectures", ())) <= architectures, rule


@pytest.mark.parametrize("gpu", CATALOG.gpus, ids=lambda gpu: gpu.id)
def test_every_gpu_has_a_state_for_every_framework_and_system(gpu):
    for framework in FRAMEWORKS:
        states = supports(gpu, framework)
        assert {state.os for state in states} == set(SYSTEMS)
        ranks = [STATUSES.index(state.status) for state in states]
        assert ranks == sorted(ranks)
        assert all(state.source and state.date for state in states if state.status != "unknown" and not gpu.is_cpu)


FACTS = [
    # PyTorch's CUDA matrix (RFC 190385): Turing and newer stay, Maxwell to Volta end with 2.14.
    ("rtx-2080-ti", "pytorch", "windows", "official", ""),
    ("titan-v", "pytorch", "linux", "official", "PyTorch 2.14"),
    ("v100-pcie-16gb", "pytorch", "linux", "official", "PyTorch 2.14"),
    ("tesla-p4", "pytorch", "linux", "official", "PyTorch 2.14"),
    ("tesla-k80", "pytorch", "linux", "ended", "CUDA 11"),
    # ROCm 7's list, and what the wheels compile beside it.
    ("mi300x", "pytorch", "linux", "official", ""),
    ("rx-7900-xtx", "pytorch", "linux", "official", ""),
    ("radeon-pro-w6800", "pytorch", "linux", "official", ""),
    ("rx-6800-xt", "pytorch", "linux", "in-wheels", ""),
    ("rx-6900-xt", "pytorch", "linux", "in-wheels", ""),
    ("rx-vega-64", "pytorch", "linux", "in-wheels", ""),
    ("mi25", "pytorch", "linux", "in-wheels", ""),
    ("rx-6700-xt", "pytorch", "linux", "by-override", ""),
    ("rx-6800", "pytorch", "windows", "community", "HIP SDK 6.2.4"),
    ("mi300x", "pytorch", "windows", "none", ""),
    # TensorFlow: no GPU on native Windows since 2.10; wheels from compute capability 6.0 to 9.0.
    ("rtx-4090", "tensorflow", "windows", "ended", "TensorFlow 2.10"),
    ("rtx-4090", "tensorflow", "wsl", "official", ""),
    ("rtx-5090", "tensorflow", "linux", "source-build", ""),
    ("titan-x-maxwell", "tensorflow", "linux", "ended", "TensorFlow 2.17"),
    ("rx-580-8gb", "tensorflow", "linux", "ended", "ROCm 4"),
    # JAX's table of platforms.
    ("rtx-3090", "jax", "linux", "official", ""),
    ("rtx-3090", "jax", "wsl", "experimental", ""),
    ("rtx-3090", "jax", "windows", "none", ""),
    ("tpu-v5e", "jax", "linux", "official", ""),
    ("m4-max-40c", "pytorch", "macos", "official", ""),
    ("m4-max-40c", "pytorch", "linux", "none", ""),
    ("arc-b580", "pytorch", "windows", "official", ""),
    ("arc-b580", "llama.cpp", "linux", "official", ""),
    # ONNX Runtime's packages (pull request 26516): 6.0 and later on Linux; 5.2, 6.1, 7.5 and later on Windows.
    ("titan-x-maxwell", "onnxruntime", "linux", "source-build", ""),
    ("titan-x-maxwell", "onnxruntime", "windows", "official", ""),
    ("gtx-1080", "onnxruntime", "linux", "official", ""),
    ("gtx-1080", "onnxruntime", "windows", "official", ""),
    ("rtx-5090", "onnxruntime", "linux", "official", ""),
]


@pytest.mark.parametrize(("gpu", "framework", "os", "status", "until"), FACTS)
def test_facts(gpu, framework, os, status, until):
    found = support(CATALOG.get(gpu), framework, os)
    assert (found.status, found.until) == (status, until)


@pytest.mark.parametrize("gpu", ["v100-pcie-16gb", "titan-v", "p100-pcie-16gb"])
def test_what_onnx_runtimes_cuda_packages_for_windows_leave_out_runs_through_directml(gpu):
    # "no kernel image is available": issue 28762 of ONNX Runtime, a V100 on Windows
    assert "DirectML" in support(CATALOG.get(gpu), "onnxruntime", "windows").note


MATRIX = ("pytorch", "tensorflow", "jax", "onnxruntime", "llama.cpp", "vllm")


def test_less_than_a_twentieth_of_the_matrix_is_unknown():
    states = {
        (gpu.architecture, framework, os): support(gpu, framework, os).status
        for gpu in CATALOG.gpus
        for framework in MATRIX
        for os in ("linux", "windows")
    }
    unknown = sorted(cell for cell, state in states.items() if state == "unknown")
    assert len(unknown) < len(states) / 20, unknown


def test_a_gpu_that_no_rule_knows_is_unknown_not_supported():
    assert support(CATALOG.get("flex-170"), "pytorch", "linux").status == "unknown"
