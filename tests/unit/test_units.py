"""Quantities as data sheets print them: literals, round trips, and refusal of everything else."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whichgpu.errors import InvalidValue
from whichgpu.units import format_si, parse, parse_memory


@pytest.mark.parametrize(
    ("text", "value", "dimension"),
    [
        ("35.6 TFLOPS", 35.6e12, "flops_per_s"),
        ("1.3 PFLOPS", 1.3e15, "flops_per_s"),
        ("556 GFLOPS", 556e9, "flops_per_s"),
        ("238 TOPS", 238e12, "ops_per_s"),
        ("936.2 GB/s", 936.2e9, "bytes_per_s"),
        ("3.35 TB/s", 3.35e12, "bytes_per_s"),
        ("19.5 Gb/s", 19.5e9, "bits_per_s"),
        ("19.5 Gbps", 19.5e9, "bits_per_s"),
        ("14 GT/s", 14e9, "bits_per_s"),
        ("6400 MT/s", 6.4e9, "bits_per_s"),
        ("384 bit", 384, "bits"),
        ("384 bits", 384, "bits"),
        ("1695 MHz", 1.695e9, "hz"),
        ("2.23 GHz", 2.23e9, "hz"),
        ("350 W", 350, "w"),
        ("1.2 kW", 1200, "w"),
        ("500 mW", 0.5, "w"),
        ("313 mm", 0.313, "m"),
        ("24 GiB", 24 * 2**30, "bytes"),
        ("40 MiB", 40 * 2**20, "bytes"),
        ("24 GB", 24e9, "bytes"),
        ("82", 82, ""),
        ("2.5 slots", 2.5, "slots"),
        ("1,499 USD", 1499, "usd"),
        ("16 384", 16384, ""),
        ("  10,496  ", 10496, ""),
        ("1e3 W", 1000, "w"),
        ("-5 W", -5, "w"),
    ],
)
def test_parse(text: str, value: float, dimension: str) -> None:
    found, unit = parse(text)
    assert found == pytest.approx(value, rel=1e-12)
    assert unit == dimension


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "W",
        "TFLOPS 35.6",
        "35.6 TFLUPS",
        "35,6 TFLOPS",  # a decimal comma would be read ten times too large
        "1,49 USD",
        "12,34,567",
        "1 2 W",
        "35.6.1 W",
        "nan W",
        "inf W",
        "NaN",
        "1e999 W",
        "0x10 W",
        "٣ W",
        "1_000 W",
        "35.6 TFLOPS (sparse)",
        "1 lightyear",
        "--1 W",
        "5 WW",
        "1\n2 W",
    ],
)
def test_parse_refuses(text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse(text)
    assert "\n" not in caught.value.message
    assert caught.value.code == "invalid_value"


PREFIXES = {"": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15}
numbers = st.integers(min_value=0, max_value=10**9)
decimals = st.integers(min_value=0, max_value=10**6)


@given(whole=numbers, part=decimals, prefix=st.sampled_from(sorted(PREFIXES)))
def test_decimal_prefixes_are_powers_of_ten(whole: int, part: int, prefix: str) -> None:
    exact = Fraction(f"{whole}.{part:06d}") * 10 ** PREFIXES[prefix]
    value, dimension = parse(f"{whole}.{part:06d} {prefix}FLOPS")
    assert dimension == "flops_per_s"
    assert value == pytest.approx(float(exact), rel=1e-12)


@given(numbers)
def test_thousands_may_be_grouped(number: int) -> None:
    assert parse(f"{number:,}") == (number, "")
    assert parse(f"{number:,}".replace(",", " ") + " W") == (number, "w")


@given(st.integers(min_value=1, max_value=2**20), st.sampled_from(["KB", "MB", "GB", "TB"]))
def test_memory_is_binary_however_it_is_written(size: int, unit: str) -> None:
    binary = {"KB": "KiB", "MB": "MiB", "GB": "GiB", "TB": "TiB"}[unit]
    assert parse_memory(f"{size} {unit}") == parse_memory(f"{size}{unit}") == parse_memory(f"{size} {binary}")
    assert parse_memory(f"{size} {unit}") == size * 1024 ** (1 + ["KB", "MB", "GB", "TB"].index(unit))


def test_memory_literals() -> None:
    assert parse_memory("24 GB") == 25_769_803_776
    assert parse_memory("5632 KB") == 5_767_168
    assert parse_memory("33554432 B") == 33_554_432
    assert parse_memory("98,304 KB") == 100_663_296


@pytest.mark.parametrize("text", ["24 GHz", "24", "GB", "1e999 GB", "nan GB", "24,5 GB"])
def test_memory_refuses(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse_memory(text)


def value_of(text: str) -> float:
    return parse(text)[0]


@given(st.text(max_size=40))
def test_any_text_is_a_finite_quantity_or_refused_in_one_line(text: str) -> None:
    for reader in (value_of, parse_memory):
        message = ""
        try:
            assert math.isfinite(reader(text))
        except InvalidValue as error:
            message = error.message
        assert "\n" not in message


@given(
    st.from_regex(r"[0-9][0-9 ,.]{0,12}(e[0-9]{1,3})? ?[A-Za-z/µ]{0,8}", fullmatch=True),
)
def test_near_misses_are_finite_or_refused(text: str) -> None:
    try:
        value, _ = parse(text)
    except InvalidValue:
        return
    assert math.isfinite(value)
    assert value >= 0


@given(st.floats(min_value=1e-6, max_value=9e17), st.integers(min_value=3, max_value=6))
def test_format_and_parse_round_trip(value: float, digits: int) -> None:
    text = format_si(value, "FLOPS", digits)
    assert parse(text)[0] == pytest.approx(value, rel=0.5000001 * 10 ** (1 - digits))


@given(st.floats(min_value=1.0, max_value=9e17), st.integers(min_value=1, max_value=6))
def test_format_needs_no_exponent(value: float, digits: int) -> None:
    number, unit = format_si(value, "W", digits).split(" ")
    assert "e" not in number
    assert unit.endswith("W")
    assert 1 <= float(number) < 1000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.56e13, "35.6 TW"),
        (999.9e9, "1 TW"),
        (0.0123, "0.0123 W"),
        (-5e3, "-5 kW"),
        (0.0, "0 W"),
        (123456.0, "123 kW"),
    ],
)
def test_format_literals(value: float, text: str) -> None:
    assert format_si(value, "W") == text
