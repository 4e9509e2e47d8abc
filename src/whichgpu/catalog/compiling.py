"""Family files (TOML) into catalogue entries, every line checked against the schema of ``docs/catalog.md``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from whichgpu import units
from whichgpu.errors import InvalidFile, InvalidValue, nearest
from whichgpu.gpu import FORMS, MARKETS, Figure, Gpu

_TEXT: Final = "text"
_COUNT: Final = "count"
_MEMORY: Final = "memory"

FIGURES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "fp64_flops_per_s",
            "fp32_flops_per_s",
            "fp16_flops_per_s",
            "bf16_flops_per_s",
            "fp64_tensor_flops_per_s",
            "fp32_matrix_flops_per_s",
            "tf32_tensor_flops_per_s",
            "fp16_tensor_fp16acc_flops_per_s",
            "fp16_tensor_fp32acc_flops_per_s",
            "bf16_tensor_flops_per_s",
            "fp8_tensor_flops_per_s",
            "fp8_tensor_fp16acc_flops_per_s",
            "fp4_tensor_flops_per_s",
        ),
        "flops_per_s",
    ),
    **dict.fromkeys(("int8_ops_per_s", "int4_ops_per_s"), "ops_per_s"),
    **dict.fromkeys(
        (
            "multiprocessors",
            "shader_cores",
            "tensor_cores",
            "ray_tracing_cores",
            "tensor_core_generation",
            "pcie_generation",
            "pcie_lanes",
            "cpu_threads",
        ),
        _COUNT,
    ),
    **dict.fromkeys(
        (
            "memory_type",
            "memory_ecc",
            "upscaling",
            "bus_interface",
            "link_type",
            "power_connectors",
            "cooling",
            "compute_capability",
            "gfx_target",
        ),
        _TEXT,
    ),
    **dict.fromkeys(("base_clock_hz", "boost_clock_hz", "tensor_clock_hz"), "hz"),
    **dict.fromkeys(("memory_bytes", "l2_bytes", "last_level_cache_bytes"), _MEMORY),
    **dict.fromkeys(("memory_bytes_per_s", "link_bytes_per_s"), "bytes_per_s"),
    **dict.fromkeys(
        ("board_power_w", "power_min_w", "power_max_w", "idle_power_w", "recommended_psu_w"),
        "w",
    ),
    "memory_bus_bits": "bits",
    "memory_data_rate_bits_per_s": "bits_per_s",
    "length_m": "m",
    "width_slots": "slots",
    "launch_price_usd": "usd",
}
"""Figure name → dimension of its unit, or text, count, memory (binary prefixes)."""

_REQUIRED: Final = ("id", "name", "vendor", "architecture", "chip", "form", "market", "release_date")
_ENTRY_KEYS: Final = frozenset(_REQUIRED) | {
    "sold_new",
    "aliases",
    "assumed_aliases",
    "devices",
    "note",
    "source",
    "figures",
    "board_figures",
}
_ID: Final = re.compile(r"^[a-z0-9]+(-[a-z0-9.]+)*$")


def compile_file(path: Path) -> tuple[list[Gpu], dict[str, dict[str, Any]]]:
    """The entries and the sources of one family file.

    Raises InvalidFile with the file, the entry and the key, for anything the schema does not allow.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile(f"{path}: cannot be read as UTF-8 text ({error})") from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidFile(f"{path}: not valid TOML: {error}") from error
    _check_keys(document, {"sources", "defaults", "gpu"}, str(path))
    sources = document.get("sources", {})
    defaults = document.get("defaults", {})
    entries = document.get("gpu", [])
    if not isinstance(entries, list) or not entries:
        raise InvalidFile(f"{path}: there is no [[gpu]] entry in it", hint="docs/catalog.md shows the form")
    return [_entry({**defaults, **entry}, sources, str(path)) for entry in entries], sources


def _check_keys(table: Mapping[str, Any], allowed: frozenset[str] | set[str], where: str) -> None:
    for key in table:
        if key not in allowed:
            close = nearest(key, allowed)
            raise InvalidFile(f"{where}: unknown key {key!r}", hint=f"did you mean {close!r}?" if close else None)


def _entry(raw: Mapping[str, Any], sources: Mapping[str, Any], path: str) -> Gpu:
    where = f"{path}: {raw.get('id', 'an entry without id')}"
    _check_keys(raw, _ENTRY_KEYS, where)
    for key in _REQUIRED:
        if not isinstance(raw.get(key), str) or not raw[key]:
            raise InvalidFile(f"{where}: {key} is missing")
    if not _ID.match(raw["id"]):
        raise InvalidFile(f"{where}: an id is lower case, words joined by '-'")
    if raw["form"] not in FORMS:
        raise InvalidFile(f"{where}: form is one of {', '.join(FORMS)}")
    if raw["market"] not in MARKETS:
        raise InvalidFile(f"{where}: market is one of {', '.join(MARKETS)}")
    return Gpu(
        id=raw["id"],
        name=raw["name"],
        vendor=raw["vendor"],
        architecture=raw["architecture"],
        chip=raw["chip"],
        form=raw["form"],
        market=raw["market"],
        release_date=raw["release_date"],
        sold_new=bool(raw.get("sold_new", False)),
        aliases=tuple(raw.get("aliases", ())),
        assumed_aliases=tuple(raw.get("assumed_aliases", ())),
        devices=int(raw.get("devices", 1)),
        note=raw.get("note", ""),
        figures=_figures(raw.get("figures", {}), raw, sources, where),
        board_figures=_figures(raw.get("board_figures", {}), raw, sources, where),
    )


def _figures(
    table: Mapping[str, Any], entry: Mapping[str, Any], sources: Mapping[str, Any], where: str
) -> dict[str, Figure]:
    _check_keys(table, set(FIGURES), where)
    return {
        name: _figure(name, raw, entry.get("source", ""), sources, f"{where}: {name}") for name, raw in table.items()
    }


def _figure(name: str, raw: Any, default_source: str, sources: Mapping[str, Any], where: str) -> Figure:
    if isinstance(raw, str):
        raw = {"quoted": raw}
    if not isinstance(raw, dict):
        raise InvalidFile(f"{where}: write the figure as text with its unit")
    _check_keys(raw, {"quoted", "derived", "source", "checked"}, where)
    quoted = raw.get("quoted", raw.get("derived"))
    if not isinstance(quoted, str) or not quoted:
        raise InvalidFile(f"{where}: needs quoted or derived, as text with its unit")
    source = raw.get("source", default_source)
    if source not in sources:
        raise InvalidFile(f"{where}: source {source!r} is not in [sources]")
    value, unit = _value(name, quoted, where)
    return Figure(
        value=value,
        unit=unit,
        quoted=quoted,
        source=source,
        derived="derived" in raw,
        checked=bool(raw.get("checked", True)),
    )


def _value(name: str, quoted: str, where: str) -> tuple[float | str, str]:
    dimension = FIGURES[name]
    if dimension == _TEXT:
        return quoted, ""
    try:
        if dimension == _MEMORY:
            value, unit = units.parse_memory(quoted), "bytes"
        else:
            value, unit = units.parse(quoted)
    except InvalidValue as error:
        raise InvalidFile(f"{where}: {error.message}", hint=error.hint) from error
    expected = {_COUNT: "", _MEMORY: "bytes"}.get(dimension, dimension)
    if unit != expected and not (dimension == "slots" and unit == ""):
        raise InvalidFile(f"{where}: {quoted!r} is not in {dimension}")
    if value <= 0:
        raise InvalidFile(f"{where}: {quoted!r}: leave an unknown figure out; it is never 0 or negative")
    return value, unit
