"""Hard limits: what is rejected, with which numbers, and what would flip it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whichgpu.catalog.prices import default_prices, parse_money, parse_price
from whichgpu.estimate import Fit
from whichgpu.recommending import Question, recommend
from whichgpu.recommending.judging import VERDICTS
from whichgpu.recommending.notes import NOTES
from whichgpu.recommending.reasons import REASONS
from whichgpu.requirement import Requirements
from whichgpu.units import GIB
from whichgpu.workload import Precision


def verdicts_of(answer, gpu):
    """The verdicts of one GPU by code; empty where it is ranked."""
    rejected = {c.gpu.id: c for c in answer.rejected}
    return {v.code: v for v in rejected[gpu].verdicts} if gpu in rejected else {}


def reasons_of(answer, gpu):
    """The reasons of one ranked GPU by code."""
    return {r.code: r for r in next(c for c in answer.ranked if c.gpu.id == gpu).reasons}


def ask(make, catalog, limits=None, prices=None, own=None, **workload):
    """The answer to a question with these limits."""
    question = Question(
        requirements=limits or Requirements(), prices=prices or default_prices(), own=own, currency="USD"
    )
    return recommend(make(**workload), catalog, question)


def test_every_entry_but_the_processors_is_ranked_or_rejected_once(make, catalog):
    answer = ask(make, catalog)
    named = [c.gpu.id for c in (*answer.ranked, *answer.rejected)]
    assert sorted(named) == sorted(gpu.id for gpu in catalog.gpus if not gpu.is_cpu)
    assert len(answer.ranked) >= 150
    assert [c.rank for c in answer.ranked] == list(range(1, len(answer.ranked) + 1))


def test_codes_are_those_of_the_closed_lists(make, catalog):
    limits = Requirements(budget=parse_money("500usd", "budget"), max_power_w=200, min_memory_bytes=12 * GIB)
    for answer in (ask(make, catalog), ask(make, catalog, limits), ask(make, catalog, precision=Precision.FP8)):
        assert {v.code for c in answer.rejected for v in c.verdicts} <= set(VERDICTS)
        assert {r.code for c in answer.ranked for r in c.reasons} <= set(REASONS)
        assert {n.code for n in answer.notes} <= set(NOTES)


def test_a_launch_price_never_passes_a_budget(make, catalog):
    # TITAN V: 2 999 USD at launch, no current price.
    answer = ask(make, catalog, Requirements(budget=parse_money("5000usd", "budget")))
    verdict = verdicts_of(answer, "titan-v")["no_price"]
    assert verdict.actual is None
    assert verdict.flip == {"code": "give_price", "gpu": "titan-v", "launch_price": 2999.0}


def test_a_price_of_the_user_passes_a_budget_in_another_currency(make, catalog):
    # 156.25 yen a dollar: 300 USD are 46 875 JPY.
    prices = default_prices().with_given({"titan-v": parse_price("300usd", "used")})
    fits = Requirements(budget=parse_money("46875jpy", "budget"))
    short = Requirements(budget=parse_money("46874jpy", "budget"))
    assert verdicts_of(ask(make, catalog, fits, prices), "titan-v") == {}
    verdict = verdicts_of(ask(make, catalog, short, prices), "titan-v")["over_budget"]
    assert (verdict.actual, verdict.limit, verdict.margin, verdict.unit) == (46875.0, 46874.0, -1.0, "jpy")
    assert verdict.flip == {"code": "raise_budget", "to": 46875.0}


def test_rent_takes_a_budget_by_the_time_to_finish(make, catalog):
    prices = default_prices().with_given({"h100-sxm5-80gb": parse_price("3.6usd/h", "rented")})
    limits = Requirements(budget=parse_money("10usd", "budget"), gpus=("h100-sxm5-80gb",))
    unknown = verdicts_of(ask(make, catalog, limits, prices), "h100-sxm5-80gb")
    assert unknown["rent_length_unknown"].flip == {"code": "give_length"}
    known = ask(make, catalog, limits, prices, samples=640_000_000, epochs=1)
    estimate = known.ranked[0].estimate
    # 3.60 USD an hour is 0.1 cent a second; ten million steps take more than the hour that is paid at least
    assert estimate.cost["to_finish"] == pytest.approx(0.001 * estimate.time_to_finish_s.mid)
    assert estimate.time_to_finish_s.mid == pytest.approx(1e7 * estimate.latency_s.mid)


def test_power_memory_and_vendor_are_limits_on_the_board(make, catalog):
    answer = ask(make, catalog, Requirements(max_power_w=349, min_memory_bytes=25 * GIB, vendors=("AMD",)))
    found = verdicts_of(answer, "rtx-3090")  # 350 W, 24 GiB, NVIDIA
    assert (found["over_power"].actual, found["over_power"].margin) == (350.0, -1.0)
    assert found["over_power"].flip == {"code": "raise_power_limit", "to": 350.0}
    assert found["below_min_memory"].margin == -1.0 * GIB
    assert found["other_vendor"].flip == {"code": "allow_vendor", "vendor": "NVIDIA"}


def test_what_is_not_selected_or_not_had_that_way_is_rejected(make, catalog):
    answer = ask(make, catalog, Requirements(gpus=("rtx-5090", "h100-sxm5-80gb"), acquire=("new",)))
    assert [c.gpu.id for c in answer.ranked] == ["rtx-5090"]
    assert verdicts_of(answer, "rtx-3090")["not_selected"].flip == {"code": "select_gpu", "gpu": "rtx-3090"}
    assert verdicts_of(answer, "h100-sxm5-80gb")["not_acquirable"].actual == "rented"


def test_modules_superchips_and_cloud_parts_are_rented(make, catalog):
    answer = ask(make, catalog)
    for candidate in (*answer.ranked, *answer.rejected):
        if candidate.gpu.form in ("module", "superchip", "cloud"):
            assert candidate.ways in (("rented",), ("discontinued",)), candidate.gpu.id
        assert candidate.ways


def test_too_little_memory_names_a_batch_that_fits(make, catalog):
    # x and y of 2^19 x 4 096 floats are 8 GiB each: nothing of 8 GiB holds them.
    answer = ask(make, catalog, batch=2**19, width=4096)
    verdict = verdicts_of(answer, "rtx-3070")["too_little_memory"]
    assert verdict.unit == "bytes"
    assert verdict.actual < 8 * GIB < 16 * GIB < verdict.limit
    fitting = verdict.flip["batch_size"]
    again = ask(make, catalog, batch=fitting, width=4096)
    one_more = ask(make, catalog, batch=2 * fitting, width=4096)
    assert verdicts_of(again, "rtx-3070") == {}
    assert "too_little_memory" in verdicts_of(one_more, "rtx-3070")
    assert all(c.estimate.fit is not Fit.DOES_NOT_FIT for c in answer.ranked)


def test_a_precision_without_units_falls_back_is_emulated_or_refused(make, catalog):
    assert "precision_refused" in verdicts_of(ask(make, catalog, precision=Precision.FP8), "rtx-3090")
    assert verdicts_of(ask(make, catalog, precision=Precision.FP8), "rtx-4090") == {}
    emulated = reasons_of(ask(make, catalog, precision=Precision.BF16), "rtx-2080-ti")
    assert emulated["precision_emulated"].values == {"asked": "bf16", "actual": "fp32"}
    assert "precision_fallback" in reasons_of(ask(make, catalog, precision=Precision.TF32), "rtx-2080-ti")


def test_tensorflow_has_no_gpu_on_native_windows(make, catalog):
    answer = ask(make, catalog, Requirements(os="windows"), stack="tf2-graph")
    assert not answer.ranked
    verdict = verdicts_of(answer, "rtx-3090")["ended_software"]
    assert verdict.flip == {"code": "change_os", "os": "linux"}
    assert answer.notes[0].code == "no_gpu_qualifies"


def test_volta_and_vega_do_not_rank_in_silence(make, catalog):
    answer = ask(make, catalog)
    ends = reasons_of(answer, "titan-v")["support_ends"]
    assert (ends.values["until"], ends.values["date"]) == ("PyTorch 2.14", "2026-07-17")
    vega = reasons_of(answer, "rx-vega-64")["support_in-wheels"]
    assert vega.values["os"] == ["linux"]


def test_what_one_has_costs_electricity_only_and_passes_any_budget(make, catalog):
    own = catalog.get("titan-v")
    limits = Requirements(budget=parse_money("1usd", "budget"), acquire=("new",))
    answer = ask(make, catalog, limits, own=own)
    assert [c.gpu.id for c in answer.ranked] == ["titan-v"]
    candidate = answer.ranked[0]
    assert (candidate.acquisition, candidate.estimate.cost["basis"]) == ("owned", "owned")
    # 31 yen a kWh at 156.25 yen a dollar
    hourly = 31 / 156.25 * candidate.estimate.power_w.mid / 1000
    assert abs(candidate.estimate.cost["per_hour"] - hourly) < 1e-9 * hourly


def limits_of(power_w, memory_gib, budget_usd):
    """Three limits at once."""
    budget = parse_money(f"{budget_usd:.0f}usd", "budget")
    return Requirements(max_power_w=power_w, min_memory_bytes=memory_gib * GIB, budget=budget)


PAIRS = (st.floats(50, 800), st.floats(1, 100), st.floats(100, 5000))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.tuples(*PAIRS), st.tuples(*PAIRS))
def test_a_looser_limit_never_rejects_more(make, catalog, one, other):
    tight = limits_of(min(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]))
    loose = limits_of(max(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]))
    few, many = ({c.gpu.id for c in ask(make, catalog, limits).ranked} for limits in (tight, loose))
    assert few <= many
