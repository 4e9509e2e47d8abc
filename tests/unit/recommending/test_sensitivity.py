"""What would change the winner is told in the ranking's own order, and rent is no way for one's own computer."""

from __future__ import annotations

import dataclasses

import pytest

from whichgpu.catalog.prices import Price, default_prices
from whichgpu.recommending import Question, recommend
from whichgpu.requirement import Goal, Money, Place, Requirements

OWN = Place(kind="desk")


def book(**dollars: float):
    """Prices of boards alone, in dollars, by id with ``_`` for ``-``; electricity at a dollar a kWh."""
    prices = {
        gpu.replace("_", "-"): (
            Price(way="used", money=Money(amount=amount, currency="USD"), date="2026-10", source="s"),
        )
        for gpu, amount in dollars.items()
    }
    found = dataclasses.replace(default_prices(), prices=prices)
    return dataclasses.replace(found, ownership=dataclasses.replace(found.ownership, electricity_usd_per_kwh=1.0))


def answer(make, catalog, prices, **wanted):
    goal = wanted.pop("goal", Goal.CHEAPEST)
    question = Question(goal=goal, requirements=Requirements(**wanted), prices=prices, sensitivity=True)
    return recommend(make(), catalog, question)


def test_dearer_electricity_changes_the_winner_only_where_the_ranking_says_so(make, catalog):
    # Two boards, and electricity at two prices: what the note says is what the ranking at that price says.
    gpus = ("rtx-3080-10gb", "rtx-4070")
    for dear in (150.0, 400.0, 900.0, 2000.0):
        prices = book(rtx_3080_10gb=150.0, rtx_4070=dear)
        now = answer(make, catalog, prices, gpus=gpus)
        later = answer(make, catalog, prices.with_electricity(2.0), gpus=gpus)
        told = [note.values["gpu"] for note in now.notes if note.code == "electricity_would_change"]
        first, then = now.ranked[0].gpu.id, later.ranked[0].gpu.id
        assert told == ([] if first == then else [then])


def test_a_board_that_nobody_supports_is_no_winner_of_balanced_however_dear_electricity_is(make, catalog):
    # TensorFlow's own packages have no kernels for Blackwell, which ``balanced`` ranks behind all that is supported.
    found = answer(
        lambda: make(stack="tf2-graph"),
        catalog,
        book(rtx_3080_ti=453.0, rtx_5090=500.0),
        gpus=("rtx-3080-ti", "rtx-5090"),
        goal=Goal.BALANCED,
    )
    assert [each.gpu.id for each in found.ranked] == ["rtx-3080-ti", "rtx-5090"]
    assert "electricity_would_change" not in [note.code for note in found.notes]


@pytest.mark.parametrize(("place", "ways"), [(Place(), ("used", "rented")), (OWN, ("used",))])
def test_a_card_for_a_computer_of_ones_own_is_not_rented(make, catalog, place, ways):
    # The RTX 4090 has offers of rent alone in the shipped prices.
    question = Question(requirements=Requirements(gpus=("rtx-4090",), place=place))
    (found,) = recommend(make(), catalog, question).ranked
    assert ("rented" in ways) == (found.acquisition == "rented")


def test_rent_that_is_asked_for_counts_wherever_the_computer_stands(make, catalog):
    question = Question(requirements=Requirements(gpus=("rtx-4090",), place=OWN, acquire=("rented",)))
    (found,) = recommend(make(), catalog, question).ranked
    assert found.acquisition == "rented"


def test_what_is_only_rented_stays_in_a_rack(make, catalog):
    question = Question(requirements=Requirements(gpus=("h100-sxm5-80gb",), place=Place(kind="rack", airflow=True)))
    (found,) = recommend(make(), catalog, question).ranked
    assert found.acquisition == "rented"
