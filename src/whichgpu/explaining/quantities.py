"""Numbers with units as each language writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from whichgpu.estimate import Interval
from whichgpu.explaining.language import _, language
from whichgpu.units import GIB, KIB, MEGA, MIB, MICRO, MILLI, SECONDS_PER_HOUR, TIB, format_si

_MINUTE: Final = 60.0
_DAY: Final = 24 * SECONDS_PER_HOUR
_SYMBOLS: Final = {"USD": "${}", "JPY": "¥{}", "EUR": "€{}"}
_JAPANESE: Final = {"USD": "{}ドル", "JPY": "{}円", "EUR": "{}ユーロ"}


def sentences_joined(texts: Iterable[str]) -> str:
    """Sentences one after the other, without a space in Japanese; clauses without a full stop are parted as well."""
    *first, last = [*texts] or [""]
    stop, space = ("。", "") if language() == "ja" else (";", " ")
    return space.join([*(text if text.endswith((".", "。")) else text + stop for text in first), last])


def labelled(label: str, text: str) -> str:
    """What a text is of, and the text: ``"memory: 24 GiB"``, ``"メモリ：24 GiB"``."""
    return f"{label}：{text}" if language() == "ja" else f"{label}: {text}"


def as_title(lead: str) -> str:
    """A lead-in as a heading: without the colon that it ends with in a text."""
    return lead.rstrip(":：")


def listed(parts: Iterable[str]) -> str:
    """Words one after the other, parted as the active language does."""
    return ("、" if language() == "ja" else ", ").join(parts)


def noted(text: str, note: str) -> str:
    """A text with a note in brackets: ``"L4 (used)"``, ``"L4（中古）"``."""
    return f"{text}（{note}）" if language() == "ja" else f"{text} ({note})"


def plain(value: float, digits: int = 3) -> str:
    """``value`` with ``digits`` significant digits and no exponent: ``1234567 → "1,230,000"``."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits}g}")
    if abs(rounded) >= 10 ** (digits - 1):
        return f"{rounded:,.0f}"
    return f"{rounded:,.10f}".rstrip("0").rstrip(".")


def duration(value_s: float) -> str:
    """Seconds with a fitting unit: ``0.00042 → "420 µs"``, ``5000 → "1 h 23 min"`` or ``"1時間23分"``."""
    japanese = language() == "ja"
    if value_s < MILLI:
        return f"{plain(value_s / MICRO)} µs"
    if value_s < 1.0:
        return f"{plain(value_s / MILLI)} ms"
    if value_s < 2 * _MINUTE:
        return f"{plain(value_s)}秒" if japanese else f"{plain(value_s)} s"
    if value_s < 2 * SECONDS_PER_HOUR:
        return f"{plain(value_s / _MINUTE)}分" if japanese else f"{plain(value_s / _MINUTE)} min"
    if value_s < 2 * _DAY:
        hours, rest = divmod(value_s, SECONDS_PER_HOUR)
        minutes = int(rest // _MINUTE)
        return f"{int(hours)}時間{minutes:02d}分" if japanese else f"{int(hours)} h {minutes:02d} min"
    return f"{plain(value_s / _DAY)}日" if japanese else f"{plain(value_s / _DAY)} days"


def size(value_bytes: float) -> str:
    """Bytes with a binary prefix: ``25769803776 → "24.0 GiB"``."""
    for step, prefix in ((TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if abs(value_bytes) >= step:
            return f"{plain(value_bytes / step)} {prefix}"
    return f"{plain(value_bytes)} B"


def power(value_w: float) -> str:
    """Watts: ``"350 W"``."""
    return f"{plain(value_w)} W"


def millimetres(value_m: float) -> str:
    """A length of a board: ``"267 mm"``."""
    return f"{value_m / MILLI:.0f} mm"


def celsius(value_c: float) -> str:
    """A temperature: ``"35 °C"``."""
    return f"{plain(value_c)} °C"


def energy(value_j: float) -> str:
    """Joules with a decimal prefix: ``"1.2 kJ"``, ``"35 mJ"``."""
    return f"{plain(value_j / MILLI)} mJ" if 0 < value_j < 1 else format_si(value_j, "J")


def factor(value: float) -> str:
    """A ratio: ``"1.9×"`` or ``"12倍"``."""
    text = f"{value:.1f}" if 0.1 <= value < 9.95 else plain(value, 2)
    return f"{text}倍" if language() == "ja" else f"{text}×"


def percent(value: float) -> str:
    """A fraction in percent: ``0.42 → "42 %"``, ``0.00024 → "0.024 %"``."""
    number = f"{100 * value:.0f}" if value == 0 or abs(value) >= 0.01 else plain(100 * value, 2)
    return f"{number}%" if language() == "ja" else f"{number} %"


def money(amount: float, currency: str) -> str:
    """An amount as the language writes it: ``"$900"``, ``"85,000円"``."""
    form = (_JAPANESE if language() == "ja" else _SYMBOLS)[currency]
    if currency == "JPY" and amount >= 1:
        return form.format(f"{amount:,.0f}")
    if amount >= 100:
        return form.format(f"{amount:,.0f}")
    return form.format(f"{amount:.2f}" if amount >= 0.1 else plain(amount, 2))


def count(value: float) -> str:
    """A number of things: ``"17,927,370"``."""
    return f"{value:,.0f}"


def rate(value_per_s: float) -> str:
    """Things a second: ``"21,900/s"`` or ``"21,900/秒"``."""
    return f"{plain(value_per_s)}/{'秒' if language() == 'ja' else 's'}"


def rate_of(name: str, value: float) -> str:
    """A rate as its name says how: bytes, FLOP or things a second, FLOP a byte, or a frequency."""
    for suffix, unit in (("_bytes_per_s", "B/s"), ("_flops_per_s", "FLOPS"), ("_ops_per_s", "OPS"), ("_hz", "Hz")):
        if name.endswith(suffix):
            return format_si(value, unit)
    return f"{plain(value)} FLOP/B" if name.endswith("_flops_per_byte") else rate(value)


def work(value_flops: float) -> str:
    """Floating-point operations: ``"982 GFLOP"``."""
    return format_si(value_flops, "FLOP") if value_flops >= MEGA else f"{plain(value_flops)} FLOP"


def interval(found: Interval, form: Callable[[float], str]) -> str:
    """The middle with its range: ``"2.9 ms (1.5 ms – 5.6 ms)"`` or ``"2.9 ms（1.5 ms〜5.6 ms）"``."""
    return noted(form(found.mid), limits(found, form))


def limits(found: Interval, form: Callable[[float], str]) -> str:
    """The ends of a range: ``"1.5 ms – 5.6 ms"`` or ``"1.5 ms〜5.6 ms"``."""
    return ("〜" if language() == "ja" else " – ").join((form(found.low), form(found.high)))


SYSTEM_NAMES: Final[Mapping[str, str]] = {
    "linux": "Linux",
    "windows": "Windows",
    "wsl": "WSL2",
    "macos": "macOS",
    "any": "any",
}
FRAMEWORK_NAMES: Final[Mapping[str, str]] = {"pytorch": "PyTorch", "tensorflow": "TensorFlow", "jax": "JAX"}

_FORMS: Final[Mapping[str, Callable[[Any], str]]] = {
    "_bytes": size,
    "_w": power,
    "_s": duration,
    "_j": energy,
    "_fraction": percent,
    "_m": millimetres,
    "_c": celsius,
    "factor": factor,
    "slowdown": factor,
    "_flops": work,
}


def shown(name: str, value: Any) -> str:
    """A value of a reason, verdict or assumption as its name says how: ``peak_memory_bytes`` as a size."""
    if value is None:
        return _("unknown")
    if isinstance(value, str):
        return {**SYSTEM_NAMES, **FRAMEWORK_NAMES}.get(value, value)
    if isinstance(value, list | tuple):
        return "・".join(shown(name, part) for part in value) if language() == "ja" else _joined(name, value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name.endswith("_per_s"):
        return rate_of(name, float(value))
    for suffix, form in _FORMS.items():
        if name.endswith(suffix):
            return form(float(value))
    return count(value) if isinstance(value, int) else plain(float(value))


def _joined(name: str, values: list[Any] | tuple[Any, ...]) -> str:
    return ", ".join(shown(name, part) for part in values)
