"""Pasted listings: each damage by itself, what it becomes, and what stays as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whichgpu.capturing.repairing import repair, syntax_error
from whichgpu.errors import SourceSyntaxError, SourceUnreadable


@pytest.mark.parametrize(
    ("text", "expected", "repairs"),
    [
        ("x = '“quoted”'  # it’s fine\n", "x = '“quoted”'  # it’s fine\n", {}),
        ("```python\nx = 1\n```\n", "\nx = 1\n\n", {"code_fences": 2}),
        ("Type this:\n```\nx = 1\n```\nand this:\n```\ny = 2\n```", "\n\nx = 1\n\n\n\ny = 2\n", {"code_fences": 4}),
        ("print(“hi”, ‘x’)", "print(\"hi\", 'x')", {"quotes": 4}),
        ("s = “““a\nb”””", 's = """a\nb"""', {"quotes": 2}),
        ("if x:\n\u3000\u3000y = 1", "if x:\n  y = 1", {"spaces": 2}),
        ("x\u00a0=\u00a01", "x = 1", {"spaces": 2}),
        ("x = 3 – 2", "x = 3 - 2", {"dashes": 1}),
        ("x\u200b = 1", "x = 1", {"invisible_characters": 1}),
        ("print（'精度：'）", "print('精度:')", {"full_width_characters": 3}),
        (">>> for i in x:\n...     y = i\n...\n4\n>>> z", "for i in x:\n    y = i\n\n\nz", {"prompts": 4}),
        ("1 import os\n2 x = [\n3   1]\n", "import os\nx = [\n 1]\n", {"line_numbers": 3}),
        ("!pip install keras\n%matplotlib inline\nx = 1", "pass\npass\nx = 1", {"notebook_commands": 2}),
        ("    x = 1\n    y = 2\n", "x = 1\ny = 2\n", {"indentation": 1}),
    ],
)
def test_each_damage_is_undone_and_named(text: str, expected: str, repairs: dict[str, int]) -> None:
    repaired = repair(text.encode(), "s.py")
    assert {code: count for code, count in repaired.repairs.items() if count} == repairs
    assert [line.rstrip() for line in repaired.text.split("\n")] == [line.rstrip() for line in expected.split("\n")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp932"])
def test_text_in_the_encodings_of_editors(encoding: str) -> None:
    repaired = repair("x = '日本語'\n".encode(encoding), "s.py")
    assert repaired.text == "x = '日本語'\n"
    assert sum(repaired.repairs.values()) == 1


def test_a_declared_encoding_is_no_repair() -> None:
    repaired = repair("# -*- coding: euc-jp -*-\nx = '日本語'\n".encode("euc-jp"), "s.py")
    assert "日本語" in repaired.text
    assert not repaired.repairs


@pytest.mark.parametrize(("text", "line"), [("x = 1\nprint 'a'\n", 2), ("def f(:\n", 1), ("x = 1\n\n\n  y = 2\n", 4)])
def test_what_cannot_be_mended_names_the_users_own_line(text: str, line: int) -> None:
    with pytest.raises(SourceSyntaxError) as caught:
        repair(text.encode(), "s.py")
    assert caught.value.values["line"] == line


@given(st.binary(max_size=300))
def test_any_bytes_are_either_python_or_an_error_of_ours(content: bytes) -> None:
    try:
        repaired = repair(content, "s.py")
    except (SourceSyntaxError, SourceUnreadable):
        return
    assert syntax_error(repaired.text) is None


@given(
    st.lists(
        st.sampled_from(["x = 1", "“", "```", ">>> y", "  z", "\u3000", "1 a", "%m", "'''", "if q:", "（"]), max_size=12
    )
)
def test_repairs_keep_every_line_where_it_is(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        repaired = repair(text.encode(), "s.py")
    except (SourceSyntaxError, SourceUnreadable):
        return
    assert repaired.text.count("\n") == text.count("\n")
