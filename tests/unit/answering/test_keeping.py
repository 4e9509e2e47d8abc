"""What is kept between questions changes no answer, and has an end."""

from __future__ import annotations

from typing import Any

import pytest

from whichgpu.answering import Answering, Ask
from whichgpu.answering.keeping import Latest

QUESTIONS: tuple[dict[str, Any], ...] = (
    {"money": {"budget": "700 USD"}},
    {"money": {"budget": "3000 USD"}, "software": {"os": "windows"}},
    {"heat": {"power_limit": "150 W"}},
    {"place": {"pcie_generation": 3, "pcie_lanes": 4}},
    {"input": {"sample_size": "110 kB", "decode": "jpeg", "cpu_cores": 2, "disk": "100 MB/s"}},
    {"money": {"own": "ryzen-7-9700x"}},
    {"workload": {"batch_size": 8}},
    {"workload": {"phase": "infer"}, "goal": "cheapest"},
)


def test_an_answer_does_not_depend_on_the_questions_before_it() -> None:
    kept = Answering()
    for _ in range(2):
        for question in QUESTIONS:
            ask = Ask(document={"source": "bert-base", **question})
            fresh = Answering().recommend(ask)[0].document()
            assert kept.recommend(ask)[0].document() == fresh, question


def test_questions_about_money_share_their_predictions() -> None:
    answering = Answering()
    first, second = (
        answering.recommend(Ask(document={"source": "lstm", "money": {"budget": budget}}))[0]
        for budget in ("5000 USD", "6000 USD")
    )
    assert first.workload is second.workload
    assert first.baseline is second.baseline


def test_the_latest_are_kept_and_the_oldest_go() -> None:
    made: list[int] = []

    def make(number: int) -> int:
        made.append(number)
        return number

    latest: Latest[int] = Latest(2)
    for number in (1, 2, 1, 3, 1, 2):
        assert latest.get(number, lambda number=number: make(number)) == number  # type: ignore[misc]
    assert made == [1, 2, 3, 2]


@pytest.mark.parametrize("name", ["estimate", "explain"])
def test_what_judges_nothing_takes_no_requirements(name: str) -> None:
    with pytest.raises(Exception, match="money"):
        getattr(Answering(), name)(Ask(document={"source": "lstm", "money": {"budget": "1 USD"}}))
