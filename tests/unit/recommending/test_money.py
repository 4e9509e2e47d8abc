"""Money by hand: rent by the hour begun, boards over their hours, break-even, notebooks that cost nothing."""

from __future__ import annotations

import dataclasses

import pytest

from whichgpu.catalog.free_tiers import free_tiers
from whichgpu.catalog.prices import Price, default_prices
from whichgpu.estimate import Interval
from whichgpu.recommending import Question, recommend
from whichgpu.recommending.free import lent
from whichgpu.recommending.money import total_usd
from whichgpu.requirement import Goal, Money, Requirements, Use

CARD = "rtx-3060-12gb"


def price(way, amount, currency="USD"):
    return Price(way=way, money=Money(amount=amount, currency=currency), date="2026-10-01", source="shop")


def ask(make, catalog, prices, limits=None, goal=Goal.CHEAPEST, **workload):
    question = Question(requirements=limits or Requirements(), prices=prices, own=None, currency="USD", goal=goal)
    return recommend(make(**workload), catalog, question)


def of(answer, gpu):
    return next(each for each in answer.ranked if each.gpu.id == gpu)


def asked(**use):
    told = Use(**use)
    return Question(
        requirements=Requirements(use=told), prices=default_prices().with_use(told), own=None, currency="USD"
    )


def estimate_of(make, catalog, seconds):
    found = of(ask(make, catalog, default_prices()), CARD).estimate
    return dataclasses.replace(found, time_to_finish_s=Interval(low=seconds, mid=seconds, high=seconds, confidence=0.8))


@pytest.mark.parametrize(
    ("seconds", "usd"),
    [(60, 0.5), (3600, 0.5), (5400, 0.75), (36000, 5.0)],  # at 0.50 USD an hour; a minute is paid as an hour
)
def test_rent_takes_the_hours_of_the_work_from_a_budget_one_at_least(make, catalog, seconds, usd):
    estimate = estimate_of(make, catalog, seconds)
    assert total_usd(price("rented", 0.5), estimate, asked()) == pytest.approx(usd)
    assert total_usd(price("new", 300), estimate, asked()) == 300


def test_rent_of_an_unknown_length_has_no_total(make, catalog):
    estimate = dataclasses.replace(estimate_of(make, catalog, 1), time_to_finish_s=None)
    assert total_usd(price("rented", 0.5), estimate, asked()) is None
    # 40 hours in all, or four a day for half a year: 730
    assert total_usd(price("rented", 0.5), estimate, asked(hours=40)) == pytest.approx(20)
    assert total_usd(price("rented", 0.5), estimate, asked(hours_a_day=4, years_kept=0.5)) == pytest.approx(365)


def test_hours_of_use_let_rent_pass_a_budget(make, catalog):
    # 40 hours at 0.50 USD are 20 USD; the board alone is over the budget
    use = Use(hours=40)
    prices = default_prices().with_prices({CARD: (price("new", 900), price("rented", 0.5))}).with_use(use)
    for budget, way in ((20, "rented"), (900, "rented")):
        limits = Requirements(use=use, gpus=(CARD,), budget=Money(amount=budget, currency="USD"))
        assert of(ask(make, catalog, prices, limits), CARD).acquisition == way
    limits = Requirements(use=use, gpus=(CARD,), budget=Money(amount=19.99, currency="USD"))
    assert not ask(make, catalog, prices, limits).ranked


def test_a_short_rent_costs_its_hour_in_the_answer(make, catalog):
    prices = default_prices().with_prices({CARD: (price("rented", 0.5),)})
    limits = Requirements(acquire=("rented",))
    found = of(ask(make, catalog, prices, limits, samples=6400, epochs=1), CARD)
    assert found.estimate.time_to_finish_s.mid < 3600
    assert found.estimate.cost["to_finish"] == pytest.approx(0.5)
    assert found.estimate.cost["per_hour"] == pytest.approx(0.5)


def test_a_board_costs_its_price_over_its_hours_and_electricity(make, catalog):
    # 900 USD over 1000 hours; 0.20 USD a kWh
    use = Use(hours=1000, electricity=Money(amount=0.2, currency="USD"))
    prices = default_prices().with_prices({CARD: (price("new", 900),)}).with_use(use)
    found = of(ask(make, catalog, prices, Requirements(use=use)), CARD).estimate
    assert found.cost["per_hour"] == pytest.approx(0.9 + 0.2 * found.power_w.mid / 1000)


@pytest.mark.parametrize(("hours", "code"), [(1500, "rent_beats_buying"), (3000, "buying_beats_rent")])
def test_renting_and_buying_break_even_where_both_have_cost_the_same(make, catalog, hours, code):
    # 900 USD once and electricity, or 0.50 USD an hour with electricity in it
    use = Use(hours=hours, electricity=Money(amount=0.2, currency="USD"))
    prices = default_prices().with_prices({CARD: (price("new", 900), price("rented", 0.5))}).with_use(use)
    answer = ask(make, catalog, prices, Requirements(use=use, gpus=(CARD,)))
    power_w = of(answer, CARD).estimate.power_w.mid
    note = next(note for note in answer.notes if note.code == code)
    even = note.values["break_even_hours"]
    assert even == pytest.approx(900 / (0.5 - 0.2 * power_w / 1000))
    assert 900 + even * 0.2 * power_w / 1000 == pytest.approx(even * 0.5)


def test_keeping_a_card_costs_its_electricity_alone(make, catalog):
    use = Use(hours=1000, electricity=Money(amount=0.2, currency="USD"))
    question = Question(
        requirements=Requirements(use=use), prices=default_prices().with_use(use), own=catalog.get(CARD),
        currency="USD", goal=Goal.CHEAPEST,
    )  # fmt: skip
    found = of(recommend(make(), catalog, question), CARD).estimate
    assert found.cost["per_hour"] == pytest.approx(0.2 * found.power_w.mid / 1000)


def notebook(answer):
    return {note.code: note.values for note in answer.notes if note.code.startswith("free_notebook")}


def work(make, catalog, hours, **limits):
    """The answer for work that takes so many hours on the fastest GPU that is lent for nothing."""
    one = ask(make, catalog, default_prices(), samples=64, epochs=1)
    step_s = min(of(one, tier.gpu).estimate.latency_s.mid for tier in free_tiers())
    samples = 64 * round(hours * 3600 / step_s)
    return ask(make, catalog, default_prices(), Requirements(**limits), samples=samples, epochs=1)


def test_a_free_notebook_is_offered_for_what_ends_within_a_session(make, catalog):
    values = notebook(work(make, catalog, 6))["free_notebook"]
    assert values["session_hours"] == 12
    assert values["finish_s"] == pytest.approx(6 * 3600, rel=0.01)


def test_a_week_of_notebooks_is_offered_in_sessions_and_no_more(make, catalog):
    # 25 hours are three sessions of twelve, within 30 a week; 31 hours are not
    values = notebook(work(make, catalog, 25))["free_notebook_week"]
    assert (values["sessions"], values["week_hours"]) == (3, 30)
    assert notebook(work(make, catalog, 31)) == {}


def test_no_notebook_where_boards_are_wanted_or_it_is_no_answer(make, catalog):
    assert notebook(work(make, catalog, 6, acquire=("new", "used"))) == {}
    assert notebook(work(make, catalog, 6, vendors=("AMD",))) == {}
    assert notebook(work(make, catalog, 6, min_memory_bytes=40 * 2**30)) == {}
    assert (
        list(lent(Question(requirements=Requirements(), prices=default_prices(), own=None, currency="USD"), ())) == []
    )


def test_every_tier_lends_a_gpu_of_the_catalogue_and_says_where_it_is_written(catalog):
    for tier in free_tiers():
        assert catalog.get(tier.gpu).id == tier.gpu
        assert 0 < tier.session_hours <= 24
        assert tier.week_hours is None or tier.session_hours <= tier.week_hours <= 168
        assert tier.date.startswith("202")
        assert tier.url.startswith("https://")
