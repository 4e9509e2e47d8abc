"""Family files (TOML) into catalogue entries, every line checked against the schema of ``docs/catalog.md``."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Collection, Mapping
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
_SOURCE_KEYS: Final = frozenset({"title", "publisher", "year", "url"})
_ID: Final = re.compile(r"[a-z0-9]+(-[a-z0-9.]+)*")
_LARGEST_BYTES: Final = 4 * units.MIB
"""A family file is some tens of kilobytes; what is far larger is not one."""


def compile_file(path: Path) -> tuple[list[Gpu], dict[str, dict[str, Any]]]:
    """The entries and the sources of one family file.

    Raises InvalidFile with the file, the entry and the key, for anything the schema does not allow.
    """
    document = _document(path)
    where = str(path)
    _check_keys(document, {"sources", "defaults", "gpu"}, where)
    sources = _table(document, "sources", where)
    for key in sources:
        _check_keys(_table(sources, key, f"{where}: sources"), _SOURCE_KEYS, f"{where}: sources: {key!r}")
    defaults = _table(document, "defaults", where)
    entries = document.get("gpu", [])
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidFile(
            "{where}: there is no [[gpu]] entry in it", where=where, hint="docs/catalog.md shows the form"
        )
    return [_entry({**defaults, **entry}, sources, where) for entry in entries], sources


def _document(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
        if len(content) > _LARGEST_BYTES:
            raise InvalidFile(
                "{path}: larger than {limit} MiB, no file of GPUs", path=path, limit=_LARGEST_BYTES // units.MIB
            )
        return tomllib.loads(content.decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile("{path}: cannot be read as UTF-8 text ({error})", path=path, error=error) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidFile("{path}: not valid TOML: {error}", path=path, error=error) from error


def _table(table: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    found = table.get(key, {})
    if not isinstance(found, dict):
        raise InvalidFile("{where}: {key!r} is no table", where=where, key=key)
    return found


def _check_keys(table: Mapping[str, Any], allowed: Collection[str], where: str) -> None:
    for key in table:
        if key not in allowed:
            close = nearest(key, allowed)
            hint = "did you mean {close!r}?" if close else None
            raise InvalidFile("{where}: unknown key {key!r}", where=where, key=key, close=close, hint=hint)


def _entry(raw: Mapping[str, Any], sources: Mapping[str, Any], path: str) -> Gpu:
    where = f"{path}: {raw['id']!r}" if "id" in raw else f"{path}: an entry without id"
    _check_keys(raw, _ENTRY_KEYS, where)
    for key in _REQUIRED:
        _text(raw, key, where)
    if not _ID.fullmatch(raw["id"]):
        raise InvalidFile("{where}: an id is lower case, words joined by '-'", where=where)
    _one_of(raw, "form", FORMS, where)
    _one_of(raw, "market", MARKETS, where)
    _check_date(raw["release_date"], where)
    return Gpu(
        **{key: raw[key] for key in _REQUIRED},
        sold_new=_switch(raw, "sold_new", where),
        aliases=_names(raw, "aliases", where),
        assumed_aliases=_names(raw, "assumed_aliases", where),
        devices=_devices(raw, where),
        note=_text({"note": "", **raw}, "note", where, empty=True),
        figures=_figures(raw, "figures", sources, where),
        board_figures=_figures(raw, "board_figures", sources, where),
    )


def _text(raw: Mapping[str, Any], key: str, where: str, *, empty: bool = False) -> str:
    value = raw.get(key)
    if value is None or (value == "" and not empty):
        raise InvalidFile("{where}: {key} is missing", where=where, key=key)
    if not isinstance(value, str):
        raise InvalidFile("{where}: {key} is text, in quotes", where=where, key=key)
    return value


def _one_of(raw: Mapping[str, Any], key: str, allowed: Collection[str], where: str) -> None:
    if raw[key] not in allowed:
        raise InvalidFile("{where}: {key} is one of {allowed}", where=where, key=key, allowed=", ".join(allowed))


def _check_date(text: str, where: str) -> None:
    try:
        datetime.date.fromisoformat(text)
    except ValueError as error:
        raise InvalidFile(
            "{where}: release_date {text!r} is no date", where=where, text=text, hint='write it as "2020-09-24"'
        ) from error


def _switch(raw: Mapping[str, Any], key: str, where: str) -> bool:
    value = raw.get(key, False)
    if not isinstance(value, bool):
        raise InvalidFile("{where}: {key} is true or false", where=where, key=key)
    return value


def _names(raw: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = raw.get(key, [])
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise InvalidFile("{where}: {key} is a list of names", where=where, key=key)
    return tuple(value)


def _devices(raw: Mapping[str, Any], where: str) -> int:
    value = raw.get("devices", 1)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvalidFile("{where}: devices is a whole number from 1", where=where)
    return value


def _figures(raw: Mapping[str, Any], key: str, sources: Mapping[str, Any], where: str) -> dict[str, Figure]:
    table = _table(raw, key, where)
    _check_keys(table, FIGURES, where)
    source = raw.get("source", "")
    return {name: _figure(name, figure, source, sources, f"{where}: {name}") for name, figure in table.items()}


def _figure(name: str, raw: Any, default_source: Any, sources: Mapping[str, Any], where: str) -> Figure:
    if isinstance(raw, str):
        raw = {"quoted": raw}
    if not isinstance(raw, dict):
        raise InvalidFile("{where}: write the figure as text with its unit", where=where)
    _check_keys(raw, ("quoted", "derived", "source", "checked"), where)
    quoted = raw.get("quoted", raw.get("derived"))
    if not isinstance(quoted, str) or not quoted or {"quoted", "derived"} <= raw.keys():
        raise InvalidFile("{where}: needs quoted or derived, as text with its unit", where=where)
    source = raw.get("source", default_source)
    if not isinstance(source, str) or source not in sources:
        raise InvalidFile("{where}: source {source!r} is not in [sources]", where=where, source=source)
    value, unit = _value(name, quoted, where)
    return Figure(
        value=value,
        unit=unit,
        quoted=quoted,
        source=source,
        derived="derived" in raw,
        checked=_switch({"checked": True, **raw}, "checked", where),
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
        raise InvalidFile(
            "{where}: {reason}",
            where=where,
            reason=error.message,
            way_out=error.hint,
            hint="{way_out}" if error.hint else None,
        ) from error
    expected = {_COUNT: "", _MEMORY: "bytes"}.get(dimension, dimension)
    if unit != expected and not (dimension == "slots" and unit == ""):
        raise InvalidFile("{where}: {quoted!r} is not in {dimension}", where=where, quoted=quoted, dimension=dimension)
    if value <= 0 or (dimension == _COUNT and value != int(value)):
        raise InvalidFile(
            "{where}: {quoted!r} is no {kind}",
            where=where,
            quoted=quoted,
            kind="count" if dimension == _COUNT else "positive figure",
            hint="leave an unknown figure out; it is never 0 or negative",
        )
    return value, unit
