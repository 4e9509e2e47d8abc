"""The question of a report in words: every requirement by name, values with their units, no key as it is."""

from __future__ import annotations

from dataclasses import fields

import pytest

from whichgpu.explaining import LANGUAGES, active
from whichgpu.reporting.asked import asked
from whichgpu.requirement import Heat, Money, Outlet, Pipeline, Place, Requirements, Software, Speed, Use

GIVEN = Requirements(
    budget=Money(amount=150000, currency="JPY"),
    max_power_w=300,
    os="linux",
    acquire=("new", "used"),
    place=Place(kind="desk", outlet=Outlet(volts=100, amperes=15), ecc=True),
    speed=Speed(max_latency_s=0.005),
    use=Use(hours_a_day=4),
)


def test_japanese() -> None:
    with active("ja"):
        assert dict(asked(GIVEN.document())) == {
            "予算の上限": "150,000円",
            "ボードの消費電力の上限": "300 W",
            "使うOS": "Linux",
            "入手方法": "新品、中古",
            "設置場所": "自分のPC",
            "壁のコンセント": "100 V 15 A",
            "メモリの誤り訂正（ECC）を必須とするか": "はい",
            "1ステップ・1バッチ・1回の生成にかけられる最長時間": "5 ms",
            "1日の使用時間": "4",
        }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("part", [Place, Heat, Speed, Software, Use, Pipeline, Requirements])
def test_no_field_of_the_requirements_is_without_a_name(part: type, language: str) -> None:
    sections = {"place", "heat", "speed", "software", "use", "pipeline"}
    with active(language):
        for field in fields(part):
            if field.name not in sections:
                assert [name for name, _value in asked({field.name: 1.0})] != [field.name]
