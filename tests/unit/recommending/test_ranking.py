"""The order: by the goal, whatever the order of the input; neighbours that cannot be told apart are marked."""

from __future__ import annotations

import dataclasses
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whichgpu.catalog import Catalog
from whichgpu.estimate import Interval
from whichgpu.recommending import Question, recommend
from whichgpu.recommending.ranking import UNSUPPORTED, tied
from whichgpu.requirement import Goal


def ranked(workload, catalog, goal):
    """The ranked candidates under a goal."""
    return recommend(workload, catalog, Question(goal=goal)).ranked


@pytest.mark.parametrize("goal", list(Goal))
def test_the_order_of_the_catalogue_does_not_show(make, catalog, goal):
    shuffled = list(catalog.gpus)
    random.Random(7).shuffle(shuffled)
    other = Catalog(gpus=tuple(shuffled), sources=catalog.sources)
    workload = make()
    assert [c.gpu.id for c in ranked(workload, catalog, goal)] == [c.gpu.id for c in ranked(workload, other, goal)]


def test_fastest_orders_by_time_and_efficient_by_energy(make, catalog):
    times = [c.estimate.latency_s.mid for c in ranked(make(), catalog, Goal.FASTEST)]
    assert times == sorted(times)
    scored = [c for c in ranked(make(), catalog, Goal.EFFICIENT) if c.score is not None]
    energies = [c.estimate.energy_j.mid for c in scored]
    assert energies == sorted(energies)


def test_cheapest_orders_by_cost_and_puts_the_unpriced_last(make, catalog):
    found = ranked(make(), catalog, Goal.CHEAPEST)
    priced = [c for c in found if c.estimate.cost is not None]
    costs = [c.estimate.cost["per_step"] for c in priced]
    assert costs == sorted(costs)
    assert found[: len(priced)] == tuple(priced)


def test_balanced_is_the_geometric_mean_of_time_and_cost(make, catalog):
    found = [c for c in ranked(make(), catalog, Goal.BALANCED) if c.estimate.cost is not None]
    supported = [c for c in found if c.support not in UNSUPPORTED]
    assert found[: len(supported)] == supported
    means = [(c.estimate.latency_s.mid * c.estimate.cost["per_step"]) ** 0.5 for c in supported]
    assert means == pytest.approx(sorted(means))
    # a bought board: its price over 3 years of 8 hours a day (8 760 h), and electricity
    card = next(c for c in found if c.gpu.id == "rtx-5070")
    assert card.estimate.price["amount"] == 835
    electricity = 31 / 156.25 * card.estimate.power_w.mid / 1000
    assert card.estimate.cost["per_hour"] == pytest.approx(835 / 8760 + electricity)


def around(mid, factor):
    return Interval(low=mid / factor, mid=mid, high=mid * factor, confidence=0.8)


def test_scores_are_tied_where_the_interval_of_their_ratio_holds_one():
    # errors of 25 % each: a ratio of 1.6 is more than both together (1.5625), one of 1.1 less than either
    assert tied(around(10, 1.25), around(11, 1.25))
    assert not tied(around(10, 1.25), around(16, 1.25))
    assert not tied(around(10, 1.25), None)
    # the surer of two predictions does not make the other one surer
    assert tied(around(10, 1.03), around(11.5, 1.25))
    assert not tied(around(10, 1.03), around(11.5, 1.03))


def test_what_costs_nothing_is_tied_with_what_costs_nothing_alone():
    free = Interval(low=0.0, mid=0.0, high=0.0, confidence=0.8)
    assert tied(free, free)
    assert not tied(free, around(1, 1.25))


@given(st.floats(0.01, 100), st.floats(0.01, 100), st.floats(1.03, 3), st.floats(1.03, 3))
def test_a_tie_is_mutual(one, other, first, second):
    assert tied(around(one, first), around(other, second)) == tied(around(other, second), around(one, first))


def test_a_processor_stands_beside_the_ranking_and_none_in_it(make, catalog):
    answer = recommend(make(), catalog, Question())
    assert catalog.get(answer.baseline.gpu).is_cpu
    assert not any(c.gpu.is_cpu for c in (*answer.ranked, *answer.rejected))


def test_work_that_a_processor_does_as_well_says_so(make, catalog):
    tiny = recommend(make(batch=1, width=8), catalog, Question())
    assert tiny.notes[0].code in ("cpu_is_enough", "cpu_is_as_fast", "cpu_is_faster")
    large = recommend(make(batch=2048, width=8192), catalog, Question())
    assert large.notes[0].code == "gpu_pays"
    short = recommend(make(batch=2048, width=4096, samples=2048, epochs=1), catalog, Question())
    assert short.notes[0].code == "cpu_finishes_soon"


def test_a_gpu_that_lacks_a_figure_is_rejected_by_name(make, catalog):
    lame = dataclasses.replace(catalog.get("rtx-3090"), id="lame", aliases=(), assumed_aliases=(), name="Lame")
    figures = {k: v for k, v in lame.figures.items() if k != "memory_bytes_per_s"}
    lame = dataclasses.replace(lame, figures=figures)
    answer = recommend(make(), catalog.with_entries([lame], {}), Question())
    verdict = next(c for c in answer.rejected if c.gpu.id == "lame").verdicts[0]
    assert (verdict.code, verdict.limit) == ("missing_figure", "memory_bytes_per_s")
