"""Tables that fit a terminal, East Asian widths, and pipes that get everything."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from whichgpu.cli.tables import Column, cut, paragraph, table, width

COLUMNS = [
    Column(heading="GPU"),
    Column(heading="時間", right=True),
    Column(heading="note", weight=10),
    Column(heading="price", right=True, weight=50),
]
ROWS = [["rtx-3090", "2.9秒", "a long remark about this one", "$1,207"], ["v100", "10秒", "", "–"]]


def test_wide_characters_take_two_columns_and_combining_marks_none():
    assert width("GPU") == 3
    assert width("学習") == 4
    assert width("が") == 2  # か with a combining mark


def test_columns_are_aligned_whatever_the_characters():
    lines = table(COLUMNS, ROWS, None).splitlines()
    assert lines[0].split() == ["GPU", "時間", "note", "price"]
    assert lines[2] == "rtx-3090  2.9秒  a long remark about this one  $1,207"
    assert lines[3] == "v100       10秒" + " " * 37 + "–"
    assert {width(line[: line.index("秒")]) for line in lines[2:]} == {13}


def test_a_pipe_gets_every_column_whole():
    assert "a long remark about this one" in table(COLUMNS, ROWS, None)


def test_a_narrow_terminal_drops_the_least_columns_first():
    assert "note" not in table(COLUMNS, ROWS, 30).splitlines()[0]
    assert "price" in table(COLUMNS, ROWS, 30).splitlines()[0]
    assert table(COLUMNS, ROWS, 18).splitlines()[0].split() == ["GPU", "時間"]


def test_what_cannot_be_dropped_is_cut_with_an_ellipsis():
    narrow = table([Column(heading="GPU")], [["rtx-pro-6000-blackwell-workstation"]], 20)
    assert narrow.splitlines()[2] == "rtx-pro-6000-blackw…"
    assert cut("学習する", 5) == "学習…"


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=30), max_size=4),
    st.integers(20, 100),
)
def test_no_line_is_wider_than_the_terminal(cells, available):
    rows = [[cell, cell, cell, cell] for cell in cells]
    assert all(width(line) <= available for line in table(COLUMNS, rows, available).splitlines())


def test_a_paragraph_wraps_on_a_terminal_and_not_in_a_pipe():
    text = "one two three four five six seven"
    assert paragraph(text, None, "  ", "- ") == "- " + text
    assert paragraph(text, 20, "  ", "- ").splitlines() == ["- one two three four", "  five six seven"]


def test_japanese_wraps_between_characters_but_never_before_a_full_stop():
    lines = paragraph("このGPUは学習に向いています。", 20).splitlines()
    assert lines == ["このGPUは学習に向い", "ています。"]
    assert paragraph("あいうえおかきくけこ。", 20).splitlines() == ["あいうえおかきくけ", "こ。"]


@given(st.text(st.characters(codec="utf-8", exclude_categories=("C",)), max_size=200), st.integers(20, 80))
def test_wrapping_loses_no_character(text, available):
    wrapped = paragraph(text, available)
    assert "".join(wrapped.split()) == "".join(text.split())
