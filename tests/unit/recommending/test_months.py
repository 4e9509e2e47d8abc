"""What having a GPU costs as the months go by."""

from __future__ import annotations

import pytest

from whichgpu import zoo
from whichgpu.catalog import default_catalog
from whichgpu.catalog.prices import default_prices
from whichgpu.recommending import Question, recommend
from whichgpu.recommending.months import Course, courses
from whichgpu.requirement import Money, Requirements, Use


def course(at_once: float, monthly: float) -> Course:
    return Course(gpu="g", name="G", way="new", at_once=at_once, monthly=monthly)


def test_a_course_is_a_line_and_two_meet_where_they_have_cost_the_same() -> None:
    bought, rented = course(1000.0, 5.0), course(0.0, 55.0)
    assert bought.after(10) == 1050.0
    assert bought.even_with(rented) == rented.even_with(bought) == 20.0
    assert bought.after(20) == rented.after(20)


def test_courses_that_never_meet() -> None:
    assert course(1000.0, 5.0).even_with(course(0.0, 5.0)) is None
    assert course(1000.0, 55.0).even_with(course(0.0, 5.0)) is None


def test_rent_is_the_price_of_an_hour_times_the_hours_of_a_month() -> None:
    use = Use(hours_a_day=2.0, electricity=Money(amount=0.0, currency="USD"))
    question = Question(requirements=Requirements(use=use))
    answer = recommend(zoo.workload("resnet50"), default_catalog(), question)
    prices = default_prices().with_use(use)
    found = list(courses(answer.ranked, prices, "USD", len(answer.ranked)))
    rents = [each for each in found if each.way == "rented"]
    boards = [each for each in found if each.at_once]
    assert rents
    assert boards
    for each in rents:
        offer = next(offer for offer in prices.of(each.gpu, "USD") if offer.per_hour)
        # 2 hours a day over 365.25 / 12 days
        assert each.monthly == pytest.approx(prices.exchange.usd(offer.money) * 60.875)
    assert {each.monthly for each in boards} == {0.0}
