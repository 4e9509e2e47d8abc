"""Thirty decisions in both languages, through the command line: codes, order and margins, not prose."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import re
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest

from whichgpu.cli.main import run as run_command

ROOT = Path(__file__).resolve().parent.parent.parent
CASES = sorted((Path(__file__).parent / "cases").glob("*.toml"))
OPEN = {
    ("test_the_numbers_that_the_argument_rests_on", "26-power-limit-in-summer"): (
        "the power of boards with GDDR memory is predicted too low, so the limit does not bind (docs/prediction.md)"
    ),
}
"""Cases that the program does not answer as it should yet, with the cause; each must fail until it does."""

JAPANESE = re.compile(r"[ぁ-んァ-ヶ一-龠]")


@pytest.fixture(autouse=True)
def _open_cases(request: pytest.FixtureRequest) -> None:
    path = request.node.callspec.params.get("path") if hasattr(request.node, "callspec") else None
    reason = OPEN.get((request.node.originalname, path.stem)) if path is not None else None
    if reason is not None:
        request.node.add_marker(pytest.mark.xfail(reason=reason, strict=True))


def case(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def arguments(path: Path, folder: Path) -> list[str]:
    found = case(path)
    file = folder / "requirements.json"
    file.write_text(json.dumps(found["requirements"]), encoding="utf-8")
    source = found["source"]
    several = "workloads" in found["requirements"]
    named = str(ROOT / source) if source.endswith(".py") else source
    return ["recommend", *([] if several else [named]), "--requirements", str(file)]


@functools.cache
def answer(path: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, Any] = json.loads(printed([*arguments(path, Path(folder)), "--json"]))
        return found


def printed(words: list[str]) -> str:
    """What a command prints; it must end well."""
    out, wrong = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(wrong):
        status = run_command(words)
    assert status == 0, wrong.getvalue()
    return out.getvalue()


def ranked(path: Path) -> dict[str, dict[str, Any]]:
    return {row["gpu"]: row for row in answer(path)["ranked"]}


def rejected(path: Path) -> dict[str, dict[str, Any]]:
    return {row["gpu"]: row for row in answer(path)["rejected"]}


def notes(path: Path) -> dict[str, dict[str, Any]]:
    return {note["code"]: note for note in answer(path)["notes"]}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_must_come_out(path: Path) -> None:
    must = case(path)["must"]
    order = [row["gpu"] for row in answer(path)["ranked"]]
    if must.get("empty"):
        assert not order
    if "first_in" in must:
        assert order[0] in must["first_in"]
    assert set(must.get("ranked", [])) <= set(order)
    assert set(must.get("notes", [])) <= set(notes(path))
    if "any_notes" in must:
        assert set(must["any_notes"]) & set(notes(path))
    for gpu, codes in must.get("rejected", {}).items():
        found = {verdict["code"] for verdict in rejected(path)[gpu]["verdicts"]}
        assert all(found & set(code.split("|")) for code in codes), (gpu, found)
    for gpu, codes in must.get("reasons", {}).items():
        found = {reason["code"] for reason in ranked(path)[gpu]["reasons"]}
        assert all(found & set(code.split("|")) for code in codes), (gpu, found)
    for better, worse in must.get("before", []):
        assert better in order
        assert worse not in order or order.index(better) < order.index(worse)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_must_not_come_out(path: Path) -> None:
    must_not = case(path).get("must_not", {})
    order = [row["gpu"] for row in answer(path)["ranked"]]
    assert not order or order[0] not in must_not.get("first", [])
    assert not set(must_not.get("ranked", [])) & set(order)
    assert not set(must_not.get("notes", [])) & set(notes(path))
    for gpu, codes in must_not.get("reasons", {}).items():
        found = {reason["code"] for reason in ranked(path).get(gpu, {"reasons": []})["reasons"]}
        assert not found & set(codes)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_numbers_that_the_argument_rests_on(path: Path) -> None:
    for margin in case(path)["must"].get("margin", []):
        value = number(path, margin)
        if "equals" in margin:
            assert value == margin["equals"]
        if "one_of" in margin:
            assert value in margin["one_of"]
        assert "above" not in margin or value > margin["above"], (margin, value)
        assert "below" not in margin or value < margin["below"], (margin, value)


def number(path: Path, margin: dict[str, Any]) -> Any:
    """The value that a margin names: of a note, a verdict, a reason, the first of the ranking, or a ratio of two."""
    if "ratio" in margin:
        slow, fast = (ranked(path)[gpu]["estimate"][margin["ratio"]]["mid"] for gpu in margin["gpus"])
        return slow / fast
    if "first" in margin:
        return at(answer(path)["ranked"][0]["estimate"], margin["first"])
    if "note" in margin:
        return at(notes(path)[margin["note"]], margin["value"])
    rows = rejected(path)[margin["gpu"]]["verdicts"] if "verdict" in margin else ranked(path)[margin["gpu"]]["reasons"]
    code = margin.get("verdict") or margin["reason"]
    return at(next(row for row in rows if row["code"] == code), margin["value"])


def at(found: Any, dotted: str) -> Any:
    for name in dotted.split("."):
        found = found[name]
    return found


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_answer_is_said_in_its_language(path: Path, language: str, tmp_path: Path) -> None:
    shown = printed([*arguments(path, tmp_path), "--lang", language, "--top", "3"])
    lines = [line for line in shown.splitlines() if line.strip()]
    assert "{" not in shown
    if language == "en":
        assert not JAPANESE.search(shown)
    else:
        sentences = [line for line in lines if line.startswith(("1. ", "2. ", "3. "))]
        assert all(JAPANESE.search(line) for line in sentences)
        for name in notes(path):
            assert name not in shown


def test_there_are_thirty_cases_told_in_both_languages() -> None:
    assert len(CASES) == 30
    for path in CASES:
        found = case(path)
        for part in ("story", "argument"):
            assert not JAPANESE.search(found[part]["en"])
            assert JAPANESE.search(found[part]["ja"])
