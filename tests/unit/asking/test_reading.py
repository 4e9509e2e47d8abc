"""Requirements as people write them: values with units, and one clear line for everything that is wrong."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whichgpu.asking.keys import SECTIONS, TOP, WORK
from whichgpu.asking.reading import asked, read
from whichgpu.errors import InvalidFile, InvalidValue, UnknownName, WhichGpuError
from whichgpu.requirement import Goal, Money, Outlet


def test_values_with_units_become_si() -> None:
    found = asked(
        {
            "goal": "cheapest-job",
            "speed": {"max_latency": "5 ms", "finish_within": "48 h"},
            "place": {"max_length": "267 mm", "power_supply": "650 W", "outlet": "100 V 15 A", "max_power": "300 W"},
            "memory": {"min_memory": "24 GB"},
            "heat": {"room": "35 C", "power_limit": "250 W"},
            "money": {"budget": "150000 JPY", "electricity": "31 JPY/kWh", "own": "rtx-2070", "acquire": ["rent"]},
            "input": {"sample_size": "110 kB", "disk": "150 MB/s"},
        }
    )
    wanted = found.requirements
    assert found.goal is Goal.CHEAPEST
    assert wanted.speed.max_latency_s == pytest.approx(0.005)
    assert wanted.speed.finish_within_s == 172_800
    assert wanted.place.max_length_m == pytest.approx(0.267)
    assert wanted.place.power_supply_w == 650
    assert wanted.place.outlet == Outlet(volts=100, amperes=15)
    assert wanted.max_power_w == 300
    # board makers print 24 GB for 24 GiB
    assert wanted.min_memory_bytes == 24 * 1024**3
    assert wanted.heat.room_c == 35
    assert wanted.budget == Money(amount=150_000, currency="JPY")
    assert wanted.use.electricity == Money(amount=31, currency="JPY")
    assert found.own == "rtx-2070"
    assert wanted.acquire == ("rented",)
    assert wanted.pipeline is not None
    assert wanted.pipeline.disk_bytes_per_s == 150e6


def test_several_workloads_keep_their_weights_and_options() -> None:
    rows = [{"source": "resnet50", "weight": 0.3, "phase": "train"}, {"source": "bert-base", "batch_size": 8}]
    first, second = asked({"workloads": rows}).work
    assert (first.source, first.weight, first.options) == ("resnet50", 0.3, {"phase": "train"})
    assert (second.weight, second.options) == (1.0, {"batch_size": 8})


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"gaol": "fastest"}, "goal"),
    ({"place": {"max_lenght": "267 mm"}}, "max_length"),
    ({"goal": "quickest"}, "goal"),
    ({"speed": {"max_latency": "5 W"}}, "speed.max_latency"),
    ({"speed": {"max_latency": 5}}, "speed.max_latency"),
    ({"speed": {"max_latency": "-5 ms"}}, "speed.max_latency"),
    ({"speed": {"min_throughput": float("nan")}}, "speed.min_throughput"),
    ({"speed": {"min_throughput": float("inf")}}, "speed.min_throughput"),
    ({"speed": {"min_tokens": True}}, "speed.min_tokens"),
    ({"place": {"cards": 0}}, "place.cards"),
    ({"place": {"cards": 2.5}}, "place.cards"),
    ({"place": {"outlet": "100 V"}}, "place.outlet"),
    ({"place": {"outlet": "9999 V 15 A"}}, "place.outlet"),
    ({"place": {"power_connectors": ["9-pin"]}}, "place.power_connectors"),
    ({"place": "desk"}, "place"),
    ({"heat": {"room": "900 C"}}, "heat.room"),
    ({"money": {"budget": 900}}, "money.budget"),
    ({"money": {"budget": "900 XYZ"}}, "money.budget"),
    ({"money": {"budget": "0 USD"}}, "money.budget"),
    ({"money": {"electricity": "31 JPY"}}, "money.electricity"),
    ({"software": {"until": "2027"}}, "software.until"),
    ({"workloads": []}, "workloads"),
    ({"workloads": [{"weight": 1.0}]}, "workloads"),
    ({"workloads": [{"source": "a"}] * 101}, "workloads"),
    ({"schema": "whichgpu/requirements/9"}, "schema"),
    ({"input": {"disk": "100 MB/s"}}, "input"),
    ({"speed": {"latency_percentile": 99}}, "speed.latency_percentile"),
    ({"money": {"hours": 40, "years_kept": 1}}, "money.hours"),
    ({"vendors": ["AMD"], "software": {"backend": "cuda"}}, "software.backend"),
    ({"place": {"kind": "desk"}, "money": {"acquire": ["rent"]}}, "place.kind"),
]


@pytest.mark.parametrize(("document", "field"), WRONG, ids=[json.dumps(d)[:40] for d, _ in WRONG])
def test_what_is_wrong_is_one_line_that_names_the_key(document: dict[str, Any], field: str) -> None:
    with pytest.raises((InvalidValue, UnknownName)) as caught:
        asked(document)
    error = caught.value
    assert "\n" not in error.message
    assert field in f"{error.field} {error.hint}"


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(UnknownName) as caught:
        asked({"money": {"budjet": "900 USD"}})
    assert "budget" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.toml", "goal = "),
        ("a.json", "{"),
        ("a.json", "[1, 2]"),
        ("a.json", "[" * 100_000),
        ("a.json", json.dumps({"place": {"kind": {"a": {"b": {"c": 1}}}}})),
        ("a.toml", "x = 1\n" * 100_000),
        ("a.toml", "\udcff"),
    ],
)
def test_files_that_are_no_requirements(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode("utf-8", errors="surrogateescape"))
    with pytest.raises(InvalidFile) as caught:
        read(path)
    assert "\n" not in caught.value.message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile):
        read(tmp_path / "none.toml")


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from([*SECTIONS, *TOP, "workloads", "schema"]),
        st.dictionaries(st.sampled_from([key for keys in SECTIONS.values() for key in keys]), PLAIN, max_size=3)
        | PLAIN,
        max_size=4,
    )
)
def test_no_document_of_a_stranger_ends_in_anything_but_an_answer_or_our_error(document: dict[str, Any]) -> None:
    with contextlib.suppress(WhichGpuError):
        asked(document)


def test_every_key_reads_its_own_example() -> None:
    for section, keys in SECTIONS.items():
        for name, key in keys.items():
            document: dict[str, Any] = {section: {name: key.example}}
            if section == "input":
                document["input"]["sample_size"] = "110 kB"
            if name == "latency_percentile":
                document["speed"]["max_latency"] = "5 ms"
            asked(document)
    for name, key in WORK.items():
        asked({"workloads": [{"source": "a", name: key.example}]})


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("bomb.json", '{"a":' * 5000 + "1" + "}" * 5000, "nested too deep"),
        ("bomb.toml", "a = " + "[" * 5000 + "]" * 5000, "nested too deep"),
        ("twice.json", '{"place": {}, "place": {"kind": "rack"}}', "'place' is there twice"),
        ("twice.toml", "[place]\n[place]\n", "twice"),
        ("large.toml", "#" * 300_000, "too large"),
    ],
)
def test_files_that_are_traps_are_one_line(tmp_path: Path, name: str, content: str, says: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InvalidFile) as caught:
        read(tmp_path / name)
    assert says in caught.value.message
    assert "\n" not in caught.value.message


def test_a_notebook_has_no_room_for_cards() -> None:
    for limit in ({"max_slots": 2}, {"max_length": "280 mm"}):
        with pytest.raises(InvalidValue, match="notebook"):
            asked({"place": {"kind": "laptop", **limit}})


def test_a_key_of_a_section_that_stands_outside_it_is_found() -> None:
    with pytest.raises(UnknownName) as caught:
        asked({"budgett": "900 USD"})
    assert caught.value.values["close"] == "money.budget"


@pytest.mark.parametrize("beside", [{"source": "lstm"}, {"workload": {"batch_size": 8}}])
def test_several_workloads_stand_alone(beside: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue) as caught:
        asked({"workloads": [{"source": "resnet50"}], **beside})
    assert caught.value.field == "workloads"


@pytest.mark.parametrize(("name", "line"), [("q.toml", 3), ("q.json", 2)])
def test_where_a_file_does_not_parse_is_told_by_its_line(tmp_path: Path, name: str, line: int) -> None:
    text = 'goal = "fastest"\n[place]\nkind desk\n' if name == "q.toml" else '{"goal": "fastest",\n"place" 3}'
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InvalidFile) as caught:
        read(tmp_path / name)
    assert caught.value.values["line"] == line


def test_bytes_that_are_no_text_are_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "q.toml").write_bytes('goal = "fastest"'.encode("utf-16"))
    with pytest.raises(InvalidFile, match="UTF-8"):
        read(tmp_path / "q.toml")


@pytest.mark.parametrize("text", ['goal = "fastest"\ngoal = "value"\n', "[place]\n[place]\n"])
def test_a_key_that_a_file_has_twice_is_told_by_its_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "q.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidFile, match="twice, at line 2"):
        read(tmp_path / "q.toml")
