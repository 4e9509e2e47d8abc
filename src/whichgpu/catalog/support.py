"""Which software runs on which GPU: the rules of ``support.toml``, asked by GPU, framework and operating system."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from whichgpu.gpu import Gpu

FRAMEWORKS: Final = ("pytorch", "tensorflow", "jax", "onnxruntime", "llama.cpp", "vllm")
FEATURES: Final = ("bitsandbytes", "flash-attention", "torch.compile", "tensorrt", "vllm", "llama.cpp", "onnxruntime")
"""Software that a model may ask for beside its framework."""
UNIT_FEATURES: Final = {
    "bf16": ("bf16_tensor_flops_per_s", "bf16_flops_per_s"),
    "fp8": ("fp8_tensor_flops_per_s",),
    "fp4": ("fp4_tensor_flops_per_s",),
    "tf32": ("tf32_tensor_flops_per_s",),
    "tensor-cores": ("fp16_tensor_fp32acc_flops_per_s", "bf16_tensor_flops_per_s"),
}
"""Features that are units of the GPU: any of these figures says that it has one."""

KNOWN_FEATURES: Final = (*UNIT_FEATURES, *FEATURES)
"""Everything that ``features`` may name."""

SYSTEMS: Final = ("linux", "windows", "wsl", "macos")
STATUSES: Final = (
    "official",
    "vendor-build",
    "in-wheels",
    "experimental",
    "by-override",
    "source-build",
    "community",
    "unknown",
    "ended",
    "none",
)
"""From the best to the worst; ``ended`` and ``none`` reject a GPU, the others are said as a reason."""

REJECTED: Final = frozenset({"ended", "none"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """The state of one framework on one GPU under one operating system, with the source that says so.

    ``until`` names the last release that supports it, empty where no end is announced; ``date`` is the source's.
    """

    framework: str
    os: str
    status: str
    until: str = ""
    note: str = ""
    source: str = ""
    url: str = ""
    date: str = ""

    @property
    def rejects(self) -> bool:
        """Whether the framework does not run on the GPU there."""
        return self.status in REJECTED


def support(gpu: Gpu, framework: str, os: str) -> Support:
    """The state of ``framework`` on ``gpu`` under ``os``; ``unknown`` where no rule tells."""
    return _of(_traits(gpu), framework, os)


def supports(gpu: Gpu, framework: str) -> tuple[Support, ...]:
    """The states under every operating system, the best first."""
    return _all_of(_traits(gpu), framework)


_Traits = tuple[str, str, str, str, str | None, tuple[int, ...] | None]


def _traits(gpu: Gpu) -> _Traits:
    capability = gpu.text("compute_capability")
    return (
        gpu.id,
        gpu.vendor,
        gpu.form,
        gpu.architecture,
        gpu.text("gfx_target"),
        None if capability is None else version(capability),
    )


@functools.cache
def version(text: str) -> tuple[int, ...]:
    """``"10.0"`` as ``(10, 0)``, so that it orders after ``(9, 0)``."""
    return tuple(int(part) for part in text.split("."))


@functools.cache
def _all_of(traits: _Traits, framework: str) -> tuple[Support, ...]:
    found = [_of(traits, framework, os) for os in SYSTEMS]
    return tuple(sorted(found, key=lambda state: STATUSES.index(state.status)))


@functools.cache
def _of(traits: _Traits, framework: str, os: str) -> Support:
    if traits[2] == "cpu":
        return Support(framework=framework, os=os, status="official")
    rules, sources = _data()
    for rule in rules:
        if _applies(rule, framework, os) and _matches(rule, traits):
            source = sources[rule["source"]]
            return Support(
                framework=framework,
                os=os,
                status=rule["status"],
                until=rule.get("until", ""),
                note=rule.get("note", ""),
                source=f"{source['publisher']}: {source['title']}",
                url=source["url"],
                date=source["date"],
            )
    return Support(framework=framework, os=os, status="unknown")


def _applies(rule: Mapping[str, Any], framework: str, os: str) -> bool:
    return os in rule["os"] and (framework in rule["frameworks"] or rule["frameworks"] == ["*"])


def _matches(rule: Mapping[str, Any], traits: _Traits) -> bool:
    gpu, vendor, form, architecture, gfx, capability = traits
    if "min" in rule and (capability is None or capability < version(rule["min"])):
        return False
    if "below" in rule and (capability is None or capability >= version(rule["below"])):
        return False
    if "gpus" in rule and not any(_named(gpu, pattern) for pattern in rule["gpus"]):
        return False
    return (
        rule.get("vendor", vendor) == vendor
        and vendor in rule.get("vendors", (vendor,))
        and form in rule.get("forms", (form,))
        and architecture in rule.get("architectures", (architecture,))
        and gfx in rule.get("gfx", (gfx,))
    )


def _named(gpu: str, pattern: str) -> bool:
    return gpu.startswith(pattern[:-1]) if pattern.endswith("*") else gpu == pattern


@functools.cache
def _data() -> tuple[tuple[Mapping[str, Any], ...], Mapping[str, Mapping[str, str]]]:
    text = resources.files("whichgpu.catalog").joinpath("support.toml").read_text(encoding="utf-8")
    document = tomllib.loads(text)
    return tuple(document["rule"]), document["sources"]


def notes() -> tuple[str, ...]:
    """The notes of all rules, for the message catalogue."""
    return tuple(dict.fromkeys(rule["note"] for rule in _data()[0] if rule.get("note")))


def install(gpu: Gpu, framework: str, os: str) -> str | None:
    """The command that installs ``framework`` for ``gpu`` under ``os``, or None where no source gives one."""
    return _command(_traits(gpu), framework, os)


@functools.cache
def _command(traits: _Traits, framework: str, os: str) -> str | None:
    for rule in _commands():
        if _applies(rule, framework, os) and _matches(rule, traits):
            command: str = rule["command"]
            return command
    return None


@functools.cache
def _commands() -> tuple[Mapping[str, Any], ...]:
    text = resources.files("whichgpu.catalog").joinpath("install.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)["install"])
