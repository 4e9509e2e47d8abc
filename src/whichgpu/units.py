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
_SMALL_PREFIX: Final = {"m": MILLI, "u": MICRO, "µ": MICRO, "n": 1e-9}

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
_QUANTITY: Final = re.compile(r"^\s*([+-]?[0-9][0-9 ,]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*([^\s0-9].*)?$")


def parse(text: str) -> tuple[float, str]:
    """The value of ``text`` in SI and its dimension, e.g. ``("35.6 TFLOPS") → (3.56e13, "flops_per_s")``.

    Raises InvalidValue when the text is not a number with a known unit.
    """
    match = _QUANTITY.match(text)
    if match is None:
        raise InvalidValue(f"{text!r} is not a number with a unit", hint='write it as "35.6 TFLOPS" or "936 GB/s"')
    number = float(match.group(1).replace(",", "").replace(" ", ""))
    factor, dimension = _factor((match.group(2) or "").strip(), text)
    value = number * factor
    if not math.isfinite(value):
        raise InvalidValue(f"{text!r} is not a finite quantity")
    return value, dimension


def _factor(unit: str, text: str) -> tuple[float, str]:
    if unit in _SPECIAL:
        return _SPECIAL[unit]
    for base, dimension in _BASES.items():
        if unit.endswith(base):
            prefix = unit[: -len(base)]
            if prefix in _PREFIX:
                return _PREFIX[prefix], dimension
    raise InvalidValue(f"{text!r} has the unknown unit {unit!r}", hint="units: TFLOPS, TOPS, GB/s, GiB, GHz, W, mm")


def parse_memory(text: str) -> float:
    """Bytes of a memory size as board makers print it: "24 GB" is 24 GiB, "512 KB" is 512 KiB."""
    value, dimension = parse(text)
    if dimension != "bytes":
        raise InvalidValue(f"{text!r} is not a memory size")
    for decimal, binary in (("KB", KIB), ("MB", MIB), ("GB", GIB), ("TB", TIB)):
        if text.strip().endswith(decimal):
            return float(text.strip()[:-2].replace(",", "")) * binary
    return value


_SI_STEPS: Final = ((PETA, "P"), (TERA, "T"), (GIGA, "G"), (MEGA, "M"), (KILO, "k"))


def format_si(value: float, unit: str, digits: int = 3) -> str:
    """``value`` with a decimal prefix and ``digits`` significant digits: ``(3.56e13, "FLOPS") → "35.6 TFLOPS"``."""
    for step, prefix in _SI_STEPS:
        if abs(value) >= step:
            return f"{value / step:.{digits}g} {prefix}{unit}"
    return f"{value:.{digits}g} {unit}"


def format_bytes(value: float) -> str:
    """``value`` bytes with a binary prefix: ``25769803776 → "24.0 GiB"``."""
    for step, prefix in ((TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if abs(value) >= step:
            return f"{value / step:.1f} {prefix}"
    return f"{value:.0f} B"


def format_seconds(value: float) -> str:
    """``value`` seconds with a fitting unit: ``0.00042 → "420 µs"``, ``5000 → "1 h 23 min"``."""
    if value < MILLI:
        return f"{value / MICRO:.3g} µs"
    if value < 1.0:
        return f"{value / MILLI:.3g} ms"
    if value < 120.0:
        return f"{value:.3g} s"
    minutes = value / 60.0
    if minutes < 120.0:
        return f"{minutes:.3g} min"
    hours = int(value // SECONDS_PER_HOUR)
    if hours < 48:
        return f"{hours} h {int((value - hours * SECONDS_PER_HOUR) // 60):02d} min"
    return f"{value / SECONDS_PER_HOUR / 24:.3g} d"
