"""Numbers with units, as English and Japanese write them."""

from __future__ import annotations

import pytest

from whichgpu.estimate import Interval
from whichgpu.explaining import active
from whichgpu.explaining import quantities as q


@pytest.mark.parametrize(
    ("seconds", "english", "japanese"),
    [
        (0.00042, "420 µs", "420 µs"),
        (0.0029, "2.9 ms", "2.9 ms"),
        (1.5, "1.5 s", "1.5秒"),
        (119.0, "119 s", "119秒"),
        (600.0, "10 min", "10分"),
        (5000.0, "83.3 min", "83.3分"),
        (8000.0, "2 h 13 min", "2時間13分"),
        (259200.0, "3 days", "3日"),
    ],
)
def test_durations(seconds, english, japanese):
    with active("en"):
        assert q.duration(seconds) == english
    with active("ja"):
        assert q.duration(seconds) == japanese


@pytest.mark.parametrize(
    ("amount", "currency", "english", "japanese"),
    [
        (1207, "USD", "$1,207", "1,207ドル"),
        (85000, "JPY", "¥85,000", "85,000円"),
        (72, "USD", "$72.00", "72.00ドル"),
        (0.34, "USD", "$0.34", "0.34ドル"),
        (0.034, "USD", "$0.034", "0.034ドル"),
        (34.375, "JPY", "¥34", "34円"),
        (0.00012, "USD", "$0.00012", "0.00012ドル"),
    ],
)
def test_money(amount, currency, english, japanese):
    with active("en"):
        assert q.money(amount, currency) == english
    with active("ja"):
        assert q.money(amount, currency) == japanese


def test_sizes_work_and_ratios():
    with active("en"):
        assert q.size(24 * 2**30) == "24 GiB"
        assert q.size(1.5 * 2**20) == "1.5 MiB"
        assert q.work(982.4e9) == "982 GFLOP"
        assert [q.factor(v) for v in (12.34, 1.0, 0.97, 0.012)] == ["12×", "1.0×", "1.0×", "0.012×"]
        assert q.percent(0.42) == "42 %"
        assert q.energy(0.035) == "35 mJ"
        assert q.plain(1234567) == "1,230,000"
        assert q.plain(0.001234) == "0.00123"
    with active("ja"):
        assert q.factor(12.34) == "12倍"
        assert q.percent(0.42) == "42%"


def test_joining_as_each_language_does() -> None:
    with active("ja"):
        assert q.labelled("メモリ", "24 GiB") == "メモリ：24 GiB"
        assert q.noted("L4", "中古") == "L4（中古）"
        assert q.sentences_joined(["速いです。", "高い → 上げる", "終わり"]) == "速いです。高い → 上げる。終わり"
        assert q.rate(21900) == "21,900/秒"
        assert q.interval(Interval(low=1.0, mid=1.5, high=2.0, confidence=0.8), q.duration) == "1.5秒（1秒〜2秒）"
    with active("en"):
        assert q.labelled("memory", "24 GiB") == "memory: 24 GiB"
        assert q.noted("L4", "used") == "L4 (used)"
        assert q.sentences_joined(["Fast.", "dear → raise it", "end"]) == "Fast. dear → raise it; end"
        assert q.sentences_joined([]) == ""
        assert q.rate(21900) == "21,900/s"
        assert q.interval(Interval(low=1.0, mid=1.5, high=2.0, confidence=0.8), q.duration) == "1.5 s (1 s – 2 s)"
