"""The order: by the goal, whatever the order of the input; neighbours that cannot be told apart are marked."""

from __future__ import annotations

import dataclasses
import random

import pytest

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


def test_scores_are_tied_where_each_lies_in_the_others_interval():
    def around(mid, low, high):
        return Interval(low=low, mid=mid, high=high, confidence=0.8)

    assert tied(around(10, 8, 12), around(11, 9, 13))
    assert not tied(around(10, 8, 10.5), around(11, 9, 13))
    assert not tied(around(10, 8, 12), None)


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
