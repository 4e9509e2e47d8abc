"""Quantities as data sheets print them, to and from SI; the only place with scale factors.

``parse("3.35 TB/s")`` is ``3.35e12``: decimal prefixes are powers of ten, binary ones
(``KiB``, ``MiB``, ``GiB``) powers of 1024. Memory sizes that data sheets print as "24 GB"
mean 24 GiB (the boards carry power-of-two chips): such figures are parsed with ``parse_memory``.
"""

from __future__ import annotations

import math
import re
from typing import Final

from whichgpu.errors import InvalidValue

KILO: Final = 1e3
MEGA: Final = 1e6
GIGA: Final = 1e9
TERA: Final = 1e12
PETA: Final = 1e15
MICRO: Final = 1e-6
MILLI: Final = 1e-3
KIB: Final = 2**10
MIB: Final = 2**20
GIB: Final = 2**30
TIB: Final = 2**40
SECONDS_PER_HOUR: Final = 3600.0
JOULES_PER_KWH: Final = 3.6e6

_PREFIX: Final = {"": 1.0, "k": KILO, "K": KILO, "M": MEGA, "G": GIGA, "T": TERA, "P": PETA}

# unit → (dimension, {accepted suffix: factor})
_BASES: Final[dict[str, str]] = {
    "FLOPS": "flops_per_s",
    "FLOP/s": "flops_per_s",
    "OPS": "ops_per_s",
    "OP/s": "ops_per_s",
    "B/s": "bytes_per_s",
    "b/s": "bits_per_s",
    "bps": "bits_per_s",
    "T/s": "bits_per_s",
    "Hz": "hz",
    "W": "w",
    "B": "bytes",
    "m": "m",
    "s": "s",
    "J": "j",
    "bit": "bits",
    "USD": "usd",
    "JPY": "jpy",
    "EUR": "eur",
}
_SPECIAL: Final[dict[str, tuple[float, str]]] = {
    "mm": (1e-3, "m"),
    "cm": (1e-2, "m"),
    "ms": (MILLI, "s"),
    "us": (MICRO, "s"),
    "µs": (MICRO, "s"),
    "h": (SECONDS_PER_HOUR, "s"),
    "KiB": (KIB, "bytes"),
    "MiB": (MIB, "bytes"),
    "GiB": (GIB, "bytes"),
    "TiB": (TIB, "bytes"),
    "": (1.0, ""),
    "bits": (1.0, "bits"),
    "slots": (1.0, "slots"),
    "MT/s": (MEGA, "bits_per_s"),
    "mW": (MILLI, "w"),
}
_MEMORY: Final = {"KB": KIB, "kB": KIB, "MB": MIB, "GB": GIB, "TB": TIB}
_QUANTITY: Final = re.compile(
    r"\s*([+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,3}(?: [0-9]{3})+|[0-9]+)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
    r"\s*([^\s0-9.,].*?)?\s*"
)
"""A number, its thousands grouped by commas or spaces or not at all, and a unit; a decimal comma is refused."""


def parse(text: str) -> tuple[float, str]:
    """The value of ``text`` in SI and its dimension, e.g. ``("35.6 TFLOPS") → (3.56e13, "flops_per_s")``.

    Raises InvalidValue when the text is not a number with a known unit.
    """
    number, unit = _split(text)
    factor, dimension = _factor(unit, text)
    return _finite(number * factor, text), dimension


def _split(text: str) -> tuple[float, str]:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise InvalidValue(
            "{text!r} is not a number with a unit", text=text, hint='write it as "35.6 TFLOPS" or "936 GB/s"'
        )
    return float(match.group(1).replace(",", "").replace(" ", "")), match.group(2) or ""


def _finite(value: float, text: str) -> float:
    if not math.isfinite(value):
        raise InvalidValue("{text!r} is not a finite quantity", text=text)
    return value


def _factor(unit: str, text: str) -> tuple[float, str]:
    if unit in _SPECIAL:
        return _SPECIAL[unit]
    for base, dimension in _BASES.items():
        if unit.endswith(base):
            prefix = unit[: -len(base)]
            if prefix in _PREFIX:
                return _PREFIX[prefix], dimension
    raise InvalidValue(
        "{text!r} has the unknown unit {unit!r}",
        text=text,
        unit=unit,
        hint="units: TFLOPS, TOPS, GB/s, GiB, GHz, W, mm",
    )


def parse_memory(text: str) -> float:
    """Bytes of a memory size as board makers print it: "24 GB" is 24 GiB, "512 KB" is 512 KiB."""
    number, unit = _split(text)
    if unit in _MEMORY:
        return _finite(number * _MEMORY[unit], text)
    value, dimension = parse(text)
    if dimension != "bytes":
        raise InvalidValue("{text!r} is not a memory size", text=text)
    return value


_SI_STEPS: Final = ((PETA, "P"), (TERA, "T"), (GIGA, "G"), (MEGA, "M"), (KILO, "k"))


def format_si(value: float, unit: str, digits: int = 3) -> str:
    """``value`` with a decimal prefix and ``digits`` significant digits: ``(3.56e13, "FLOPS") → "35.6 TFLOPS"``."""
    rounded = float(f"{value:.{digits}g}")
    step, prefix = next((pair for pair in _SI_STEPS if abs(rounded) >= pair[0]), (1.0, ""))
    mantissa = rounded / step
    number = f"{mantissa:.0f}" if abs(mantissa) >= 10 ** (digits - 1) else f"{mantissa:.{digits}g}"
    return f"{number} {prefix}{unit}"
