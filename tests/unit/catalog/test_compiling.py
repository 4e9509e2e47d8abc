"""GPU files: a good one gives its entries, a bad one is refused in one line that says what and where."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whichgpu.catalog.compiling import compile_file
from whichgpu.errors import InvalidFile

GOOD = """
[sources]
sheet = { title = "Some Card data sheet", publisher = "Someone", year = 2026, url = "https://example.com/sheet" }

[defaults]
vendor = "Someone"
architecture = "new"
form = "card"
market = "consumer"
source = "sheet"

[[gpu]]
id = "some-card-16gb"
name = "Some Card"
chip = "X1"
release_date = "2026-01-02"
sold_new = true
aliases = ["SC 16GB"]
assumed_aliases = ["SC"]
note = "It hums."
[gpu.figures]
fp32_flops_per_s = "12.5 TFLOPS"
fp64_flops_per_s = { derived = "195 GFLOPS", source = "sheet" }
multiprocessors = "32"
memory_bytes = "16 GB"
memory_type = "GDDR6"
board_power_w = { quoted = "200 W", checked = false }
width_slots = "2"
length_m = "267 mm"
"""


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "mine.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refusal(path: Path) -> InvalidFile:
    with pytest.raises(InvalidFile) as caught:
        compile_file(path)
    assert "\n" not in caught.value.message
    assert caught.value.code == "invalid_file"
    assert caught.value.exit_status == 2
    return caught.value


def test_good_file(tmp_path: Path) -> None:
    (gpu,), sources = compile_file(write(tmp_path, GOOD))
    assert sources["sheet"]["year"] == 2026
    assert (gpu.id, gpu.name, gpu.vendor, gpu.form) == ("some-card-16gb", "Some Card", "Someone", "card")
    assert (gpu.sold_new, gpu.devices, gpu.note) == (True, 1, "It hums.")
    assert (gpu.aliases, gpu.assumed_aliases) == (("SC 16GB",), ("SC",))
    assert gpu.figure("fp32_flops_per_s") == 12.5e12
    assert gpu.figure("memory_bytes") == 17_179_869_184
    assert gpu.figure("length_m") == pytest.approx(0.267)
    assert gpu.figure("width_slots") == 2
    assert gpu.figures["fp64_flops_per_s"].derived
    assert not gpu.figures["fp32_flops_per_s"].derived
    assert not gpu.figures["board_power_w"].checked
    assert gpu.figures["fp32_flops_per_s"].checked
    assert gpu.figures["fp32_flops_per_s"].quoted == "12.5 TFLOPS"


FAULTS = {
    "not TOML": ('id = "some-card-16gb"', 'id = "some-card-16gb', "not valid TOML"),
    "unknown key": ("sold_new = true", "sold_gnu = true", "'sold_gnu'"),
    "unknown figure": ("board_power_w", "bord_power_w", "'bord_power_w'"),
    "unknown figure key": ("checked = false", "chequed = false", "'chequed'"),
    "unknown table": ("[defaults]", "[standards]", "'standards'"),
    "unknown source key": ("publisher", "publishers", "'publishers'"),
    "wrong unit": ('"12.5 TFLOPS"', '"12.5 GB/s"', "fp32_flops_per_s"),
    "no unit": ('"12.5 TFLOPS"', '"12.5"', "fp32_flops_per_s"),
    "no such unit": ('"12.5 TFLOPS"', '"12.5 TFLUPS"', "TFLUPS"),
    "decimal comma": ('"12.5 TFLOPS"', '"12,5 TFLOPS"', "12,5"),
    "a number without quotes": ('"12.5 TFLOPS"', "12.5", "as text"),
    "zero": ('"12.5 TFLOPS"', '"0 TFLOPS"', "'0 TFLOPS'"),
    "negative": ('"12.5 TFLOPS"', '"-12.5 TFLOPS"', "'-12.5 TFLOPS'"),
    "NaN": ('"12.5 TFLOPS"', '"nan TFLOPS"', "'nan TFLOPS'"),
    "NaN as a number": ('"12.5 TFLOPS"', "nan", "as text"),
    "infinity": ('"12.5 TFLOPS"', '"1e999 TFLOPS"', "1e999"),
    "empty": ('"12.5 TFLOPS"', '""', "fp32_flops_per_s"),
    "half a multiprocessor": ('"32"', '"32.5"', "'32.5'"),
    "memory in hertz": ('"16 GB"', '"16 GHz"', "'16 GHz'"),
    "both quoted and derived": ("checked = false", 'derived = "200 W"', "quoted or derived"),
    "neither quoted nor derived": ('{ quoted = "200 W", checked = false }', "{ checked = false }", "board_power_w"),
    "checked is no switch": ("checked = false", 'checked = "no"', "checked"),
    "unknown source": ('source = "sheet"\n\n', 'source = "shet"\n\n', "'shet'"),
    "source is a list": ('source = "sheet"\n\n', 'source = ["sheet"]\n\n', "source"),
    "no id": ('id = "some-card-16gb"\n', "", "id is missing"),
    "empty id": ('id = "some-card-16gb"', 'id = ""', "id is missing"),
    "id with capitals": ('"some-card-16gb"', '"Some Card"', "lower case"),
    "id of two lines": ('"some-card-16gb"', '"some\\ncard"', "lower case"),
    "id is a number": ('"some-card-16gb"', "3090", "id"),
    "no chip": ('chip = "X1"\n', "", "chip is missing"),
    "unknown form": ('form = "card"', 'form = "cart"', "form is one of"),
    "unknown market": ('market = "consumer"', 'market = "flea"', "market is one of"),
    "no date": ('"2026-01-02"', '"January"', "January"),
    "impossible date": ('"2026-01-02"', '"2026-02-30"', "2026-02-30"),
    "date without quotes": ('"2026-01-02"', "2026-01-02", "release_date"),
    "sold_new is text": ("sold_new = true", 'sold_new = "yes"', "sold_new"),
    "one alias without brackets": ('aliases = ["SC 16GB"]', 'aliases = "SC 16GB"', "list of names"),
    "a number as alias": ('["SC 16GB"]', "[3090]", "list of names"),
    "no devices": ("sold_new = true", "devices = 0", "devices"),
    "devices as text": ("sold_new = true", 'devices = "2"', "devices"),
    "devices as a switch": ("sold_new = true", "devices = true", "devices"),
    "note is a number": ('note = "It hums."', "note = 1", "note"),
    "figures are a list": ("[gpu.figures]", "figures = []\n[gpu.board_figures]", "'figures'"),
    "a source without braces": ('{ title = "Some Card', '"Some Card', "mine.toml"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_named(tmp_path: Path, fault: str) -> None:
    before, after, named = FAULTS[fault]
    assert before in GOOD
    error = refusal(write(tmp_path, GOOD.replace(before, after, 1)))
    assert named in error.message
    assert "mine.toml" in error.message


def test_did_you_mean(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, GOOD.replace("board_power_w", "bord_power_w")))
    assert error.hint == "did you mean 'board_power_w'?"


@pytest.mark.parametrize("content", ["", "gpu = []", "gpu = 3", 'gpu = ["rtx-3090"]', "sources = 1", "defaults = []"])
def test_file_without_entries(tmp_path: Path, content: str) -> None:
    refusal(write(tmp_path, content))


@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n\x00\x00", b"\xff\xfe" + "gpu".encode("utf-16-le"), b"\x00" * 1000, b"[" * 100_000],
    ids=["picture", "UTF-16", "zeros", "brackets"],
)
def test_binary_file(tmp_path: Path, content: bytes) -> None:
    refusal(write(tmp_path, content))


def test_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    with path.open("wb") as file:
        file.truncate(100 * 2**20)
    assert "larger than 4 MiB" in refusal(path).message


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / "none.toml").message
    assert "cannot be read" in refusal(tmp_path).message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_line_changed_compiles_or_is_refused_in_one_line(tmp_path: Path, data: st.DataObject) -> None:
    lines = GOOD.strip().splitlines()
    position = data.draw(st.integers(0, len(lines) - 1))
    key = lines[position].split(" = ")[0]
    value = data.draw(st.sampled_from(["1", "-1", "0.5", "true", '"x"', "[]", '["x"]', "{}", "{ a = 1 }", "nan", ""]))
    lines[position] = data.draw(st.sampled_from([f"{key} = {value}", "", f"{key} = '{value}'", f"[{key}]", key]))
    path = write(tmp_path, "\n".join(lines))
    message = ""
    try:
        compile_file(path)
    except InvalidFile as error:
        message = error.message
    assert "\n" not in message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_any_bytes_are_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    refusal(write(tmp_path, content))
