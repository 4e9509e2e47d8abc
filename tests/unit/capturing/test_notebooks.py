"""Notebooks become scripts whose lines are known by their cells; anything else is one clear line."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whichgpu.capturing.notebooks import notebook
from whichgpu.errors import ScriptFailed, SourceUnreadable


def written(*cells, kind="code"):
    return json.dumps({"cells": [{"cell_type": kind, "source": cell} for cell in cells]}).encode()


def test_code_cells_follow_each_other_and_text_is_left_out():
    document = {
        "cells": [{"cell_type": "markdown", "source": "# Hi"}, {"cell_type": "code", "source": ["a = 1\n", "b"]}]
    }
    assert notebook(json.dumps(document).encode(), "n.ipynb").code == b"a = 1\nb"


def test_the_former_layout_is_read():
    document = {"worksheets": [{"cells": [{"cell_type": "code", "input": "x = 1"}]}]}
    assert notebook(json.dumps(document).encode(), "n.ipynb").code == b"x = 1"


def test_magics_and_commands_do_nothing_and_keep_their_lines():
    found = notebook(
        written(
            "!pip install x\n%matplotlib inline\nif a:\n    !ls\nmodel?\nfiles = !ls\ny = 5 % b",
            "%%bash\nrm -r\nls",
            "%%time\nz = 1",
        ),
        "n.ipynb",
    )
    first = "pass\npass\nif a:\n    pass\npass\nfiles = []\ny = 5 % b"
    assert found.code.decode() == f"{first}\n\n\n\n\n\npass\nz = 1"


def test_an_error_names_the_cell_and_its_line():
    found = notebook(written("a\nb\nc", "d", "e\nf"), "n.ipynb")
    lines = found.code.decode().split("\n")
    assert {text: found.place(number) for number, text in enumerate(lines, 1) if text} == {
        "a": (1, 1), "b": (1, 2), "c": (1, 3), "d": (2, 1), "e": (3, 1), "f": (3, 2)
    }  # fmt: skip
    error = ScriptFailed("{file}, line {line}: {error}", file="n.py", line=lines.index("f") + 1, error="oh")
    assert found.placed(error, "n.ipynb").message == "n.ipynb [3], line 2: oh"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{}", b"[]", b"null", b'{"cells": 3}', b'{"cells": [3]}', b'{"cells": [{"cell_type": "code"}]}',
        b'{"cells": [{"cell_type": "code", "source": 7}]}', b"[" * 100_000, b'{"worksheets": []}', b"\xff\xfe",
    ],
)  # fmt: skip
def test_what_is_no_notebook_is_told(content):
    with pytest.raises(SourceUnreadable, match="is not a notebook"):
        notebook(content, "n.ipynb")


def test_an_enormous_notebook_is_told():
    with pytest.raises(SourceUnreadable, match="larger than 64 MiB"):
        notebook(b" " * (64 * 2**20 + 1), "n.ipynb")
    with pytest.raises(SourceUnreadable, match="30000 cells"):
        notebook(written(*["x"] * 30_000), "n.ipynb")


@given(st.lists(st.text(alphabet="ab%!? =\n\t", max_size=30), max_size=6))
def test_every_line_of_every_cell_has_its_place(cells):
    found = notebook(written(*cells), "n.ipynb")
    for number, cell in enumerate(cells, 1):
        for line in range(1, cell.count("\n") + 2):
            assert found.place(found.starts[number - 1] + line - 1) == (number, line)


@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.integers() | st.text(max_size=3), st.lists, max_leaves=5).map(
        lambda v: json.dumps({"cells": v}).encode()
    )
)
def test_no_bytes_raise_anything_else(content):
    with contextlib.suppress(SourceUnreadable):
        assert isinstance(notebook(content, "n.ipynb").code, bytes)
