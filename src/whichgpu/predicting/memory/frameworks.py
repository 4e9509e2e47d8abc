"""What a framework and its libraries hold on a GPU beside the tensors; the facts stand in ``frameworks.toml``."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from whichgpu.gpu import Gpu
from whichgpu.stack import stack
from whichgpu.units import MIB
from whichgpu.workload import Workload

_WITHOUT_CUDA: Final = ("Apple", "Intel", "Google")


@functools.cache
def _facts() -> Mapping[str, Any]:
    text = resources.files("whichgpu.predicting.memory").joinpath("frameworks.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def context_bytes(workload: Workload, gpu: Gpu) -> float:
    """What the driver counts for a process before it has a model: context, kernels, libraries.

    On a processor it is the libraries' own memory, which is known for PyTorch alone.
    """
    if gpu.is_cpu:
        return float(_facts()["processor"]["own_mib"] * MIB) if stack(workload.stack).framework == "pytorch" else 0.0
    rules, facts = stack(workload.stack), _facts()["eager_loading"]
    if rules.framework == "pytorch" and gpu.vendor == "NVIDIA" and workload.stack_year <= facts["last_year"]:
        return float(facts["mib"].get(gpu.architecture, facts["default_mib"]) * MIB)
    if gpu.vendor == "AMD":
        return float(_facts()["rocm"]["context_mib"] * MIB)
    return rules.context_bytes


def workspace_bytes(workload: Workload, gpu: Gpu, products: int) -> float:
    """What matrix libraries keep inside the framework's pool once there was a product."""
    facts = _facts()["workspace"]
    if not products or gpu.is_cpu or stack(workload.stack).framework != "pytorch" or gpu.vendor in _WITHOUT_CUDA:
        return 0.0
    if gpu.vendor != "NVIDIA":
        return float(facts["rocm_mib"] * MIB)
    large = any(name in gpu.architecture for name in facts["large"])
    return float(facts["cuda_large_mib" if large else "cuda_mib"] * MIB)


def reserved_share(workload: Workload) -> float | None:
    """The share of a GPU's memory that the framework takes whatever the model needs, or None where it does not."""
    share = _facts()["reserves"].get(stack(workload.stack).framework)
    return None if share is None else float(share)


def heap_share() -> float:
    """The share of the activations by which the C library's heap is larger than what it holds."""
    return float(_facts()["processor"]["apart_share"])
