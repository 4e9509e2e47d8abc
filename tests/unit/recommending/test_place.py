"""Limits of the place on real entries: plugs, supplies, outlets, airflow, heat; figures worked by hand."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whichgpu import zoo
from whichgpu.catalog import default_catalog
from whichgpu.estimate import Bound
from whichgpu.predicting import predict
from whichgpu.recommending import Question, recommend
from whichgpu.recommending.heat import held, held_power_w
from whichgpu.recommending.pipeline import fed, feed
from whichgpu.recommending.place import linked, lives, supply_w
from whichgpu.requirement import Heat, Outlet, Pipeline, Place, Requirements, Software, Speed

CATALOG = default_catalog()
WORK = zoo.workload("resnet50", "infer")


def codes(gpu: str, **wanted: object) -> set[str]:
    """The verdicts on one GPU under these requirements."""
    question = Question(requirements=Requirements(gpus=(gpu,), **wanted))  # type: ignore[arg-type]
    answer = recommend(WORK, CATALOG, question)
    return {verdict.code for row in answer.rejected if row.gpu.id == gpu for verdict in row.verdicts}


@pytest.mark.parametrize(
    ("gpu", "plugs", "fits"),
    [
        ("rtx-2070", ("8-pin",), True),
        ("rtx-2070", ("6-pin",), False),
        ("rtx-2080-ti", ("8-pin",), False),
        ("rtx-2080-ti", ("8-pin", "8-pin"), True),
        ("gtx-1080-ti", ("8-pin", "8-pin"), True),  # an 8-pin plug serves the 6-pin socket
        ("rtx-3090", ("8-pin", "8-pin"), True),  # the 12-pin adapter in the box takes two
        ("rtx-4090", ("16-pin",), True),
        ("v100-pcie-16gb", ("8-pin", "8-pin"), True),  # EPS by its adapter
        ("v100-pcie-16gb", ("8-pin",), False),
        ("rtx-a2000-12gb", (), True),  # 70 W through the slot
        ("rtx-4060", (), False),
    ],
)
def test_plugs(gpu: str, plugs: tuple[str, ...], fits: bool) -> None:
    found = codes(gpu, place=Place(power_connectors=plugs, airflow=True))
    assert ("no_power_connector" not in found) is fits


def test_the_vendors_power_supply_counts_and_else_one_is_computed() -> None:
    assert supply_w(CATALOG.get("rtx-3090"), 1) == 750
    bare = dataclasses.replace(
        CATALOG.get("rtx-3090"),
        figures={k: f for k, f in CATALOG.get("rtx-3090").figures.items() if k != "recommended_psu_w"},
    )
    # (350 W + 200 W) / 0.8 = 687.5 W, sold as 700 W
    assert supply_w(bare, 1) == 700
    # (2 x 350 W + 200 W) / 0.8 = 1125 W, sold as 1150 W
    assert supply_w(bare, 2) == 1150


def test_an_outlet_bears_four_fifths_for_long() -> None:
    # 100 V x 15 A x 0.8 = 1200 W; (2 x 450 W + 200 W) / 0.9 = 1222 W
    japanese = Outlet(volts=100, amperes=15)
    assert "outlet_too_small" in codes("rtx-4090", place=Place(outlet=japanese, cards=2))
    assert "outlet_too_small" not in codes("rtx-4090", place=Place(outlet=japanese, cards=1))
    assert "outlet_too_small" not in codes("rtx-4090", place=Place(outlet=Outlet(volts=230, amperes=16), cards=2))


def test_boards_without_a_fan_need_a_servers_wind() -> None:
    assert "needs_airflow" in codes("tesla-t4", place=Place(kind="desk"))
    assert "needs_airflow" not in codes("tesla-t4", place=Place(kind="rack", airflow=True))
    assert "needs_airflow" not in codes("rtx-3090", place=Place(kind="desk"))


def test_forms_live_in_their_places() -> None:
    assert lives(CATALOG.get("rtx-4090"), "desk")
    assert not lives(CATALOG.get("rtx-4090"), "edge")
    assert lives(CATALOG.get("m4-max-40c"), "laptop")
    assert not lives(CATALOG.get("m2-ultra-60c"), "laptop")
    assert "wrong_place" in codes("h100-sxm5-80gb", place=Place(kind="desk"))


def test_who_tells_of_slots_asks_for_a_card() -> None:
    assert "wrong_place" not in codes("m4-10c", place=Place(kind="desk"))
    assert "wrong_place" in codes("m4-10c", place=Place(kind="desk", max_length_m=0.2))


def test_size_and_ecc() -> None:
    assert {"too_long", "too_wide"} <= codes("rtx-3090", place=Place(max_length_m=0.25, max_slots=2))
    assert "no_ecc" in codes("rtx-2070", place=Place(ecc=True))
    assert "no_ecc" not in codes("rtx-a5000", place=Place(ecc=True))


def test_speed_limits() -> None:
    assert "too_slow" in codes("gtx-1650", speed=Speed(max_latency_s=1e-4))
    assert "too_slow" in codes("gtx-1650", speed=Speed(min_throughput_per_s=1e6))
    assert "finish_unknown" in codes("gtx-1650", speed=Speed(finish_within_s=60.0))
    assert "no_tokens" in codes("gtx-1650", speed=Speed(min_tokens_per_s=1.0))


def test_a_percentile_holds_the_upper_end_against_the_limit() -> None:
    estimate = predict(WORK, [CATALOG.get("rtx-3090")])[0]
    between = (estimate.latency_s.mid + estimate.latency_s.high) / 2
    assert codes("rtx-3090", speed=Speed(max_latency_s=between)) == set()
    assert codes("rtx-3090", speed=Speed(max_latency_s=between, latency_percentile=99)) == {"too_slow"}


def test_software_limits() -> None:
    assert codes("rx-7900-xtx", software=Software(backend="cuda")) == {"other_backend"}
    assert codes("titan-v", software=Software(until="2027-12")) == {"software_ends"}
    assert codes("rtx-2080-ti", software=Software(until="2027-12")) == set()
    assert codes("rx-6900-xt", os="linux", software=Software(support=("official",))) == {"support_below_asked"}


def test_a_board_sheds_less_in_warm_air() -> None:
    gpu = CATALOG.get("rtx-3090")
    # at 35 degrees of air the whole limit; a case adds ten to its room
    assert held_power_w(gpu, Heat(room_c=25.0, cooling="case")) is None
    # (83 - 45) / (83 - 35) of 350 W
    assert held_power_w(gpu, Heat(room_c=35.0, cooling="case")) == pytest.approx(350 * 38 / 48)
    assert held_power_w(gpu, Heat(room_c=35.0, cooling="open")) is None
    assert held_power_w(gpu, Heat(power_limit_w=250.0)) == 250.0
    assert held_power_w(gpu, Heat(power_limit_w=900.0)) is None


@given(room=st.floats(-20, 70), limit=st.floats(20, 900) | st.none())
def test_less_power_is_never_faster(room: float, limit: float | None) -> None:
    gpu = CATALOG.get("rtx-3090")
    free, cold = (predict(WORK, [each])[0].latency_s.mid for each in (gpu, held(gpu, Heat(room_c=room))))
    assert cold >= free * (1 - 1e-9)
    both = predict(WORK, [held(gpu, Heat(room_c=room, power_limit_w=limit))])[0].latency_s.mid
    assert both >= cold * (1 - 1e-9)


def test_a_slower_slot_never_widens_the_link() -> None:
    narrow = linked(CATALOG.get("rtx-3090"), Place(pcie_generation=3, pcie_lanes=8))
    assert (narrow.figure("pcie_generation"), narrow.figure("pcie_lanes")) == (3, 8)
    assert linked(CATALOG.get("gtx-1080-ti"), Place(pcie_generation=5)) is CATALOG.get("gtx-1080-ti")


def test_the_slowest_part_feeds_the_gpu() -> None:
    # 150 MB/s over 110 kB
    disk = feed(Pipeline(sample_bytes=110e3, disk_bytes_per_s=150e6))
    assert disk is not None
    assert disk.samples_per_s == pytest.approx(1363.6, rel=1e-4)
    # one core at 53.3 MB/s of JPEG over 110 kB
    core = feed(Pipeline(sample_bytes=110e3, decode="jpeg", cpu_cores=1, disk_bytes_per_s=150e6))
    assert core is not None
    assert (core.limit, core.samples_per_s) == ("cpu", pytest.approx(484.5, rel=1e-3))
    assert feed(Pipeline(sample_bytes=110e3)) is None


def test_a_step_waits_for_its_samples() -> None:
    estimate = predict(WORK, [CATALOG.get("h100-sxm5-80gb")])[0]
    slow = feed(Pipeline(sample_bytes=1e6, disk_bytes_per_s=10e6))
    assert slow is not None
    waiting = fed(estimate, WORK, slow)
    assert waiting.latency_s.mid == pytest.approx(WORK.batch_size / 10)
    assert waiting.throughput_per_s.mid == pytest.approx(10)
    assert waiting.bound is Bound.INPUT
    quick = feed(Pipeline(sample_bytes=1.0, disk_bytes_per_s=1e12))
    assert quick is not None
    assert fed(estimate, WORK, quick) is estimate
