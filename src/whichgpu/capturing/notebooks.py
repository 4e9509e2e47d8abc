"""Notebooks of Jupyter and Colab as one script, and its lines as lines of their cells."""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from whichgpu.errors import SourceUnreadable, WhichGpuError
from whichgpu.units import MIB

PYTHON_MAGICS: Final = ("time", "timeit", "capture", "prun")
"""Magics of a whole cell whose body is still Python of the notebook."""

LARGEST_NOTEBOOK_BYTES: Final = 64 * MIB
MOST_CELLS: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Notebook:
    """A notebook's code as a script; ``starts`` are the lines at which its code cells begin."""

    code: bytes
    starts: tuple[int, ...]

    def place(self, line: int) -> tuple[int, int]:
        """The code cell of a line of the script and the line in it, both from 1."""
        cell = max(bisect.bisect_right(self.starts, line), 1)
        return cell, line - self.starts[cell - 1] + 1

    def placed(self, error: WhichGpuError, name: str) -> WhichGpuError:
        """The error with the notebook's name, and the cell and its line where it names a line."""
        values = dict(error.values)
        if "file" in values:
            values["file"] = name
        if isinstance(values.get("line"), int) and self.starts:
            cell, values["line"] = self.place(values["line"])
            values["file"] = f"{name} [{cell}]"
        return type(error)(error.template, hint=error.hint_template, field=error.field, **values)


def notebook(content: bytes, name: str) -> Notebook:
    """The code of a notebook; raises SourceUnreadable for anything else."""
    if len(content) > LARGEST_NOTEBOOK_BYTES:
        raise SourceUnreadable(
            "{file} is larger than {mebibytes} MiB",
            file=name,
            mebibytes=LARGEST_NOTEBOOK_BYTES // MIB,
            hint="save the notebook without its outputs",
        )
    try:
        cells = list(_code_cells(json.loads(content)))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise SourceUnreadable(
            "{file} is not a notebook", file=name, hint="give a notebook of Jupyter or Colab"
        ) from error
    if len(cells) > MOST_CELLS:
        raise SourceUnreadable(
            "{file} has {count} cells of code",
            file=name,
            count=len(cells),
            hint="give the script that trains the model",
        )
    starts, lines = [], 1
    for cell in cells:
        starts.append(lines)
        lines += cell.count("\n") + 2
    return Notebook(code="\n\n".join(cells).encode(), starts=tuple(starts))


def _code_cells(document: Any) -> Iterator[str]:
    """The Python of each code cell, in both layouts that notebooks have had."""
    cells = document["cells"] if "cells" in document else document["worksheets"][0]["cells"]
    for cell in cells:
        if cell["cell_type"] == "code":
            source = cell["source"] if "source" in cell else cell["input"]
            yield _python(source if isinstance(source, str) else "".join(source))


def _python(source: str) -> str:
    """A cell without what only IPython understands, every line in its place."""
    text = source.replace("\r\n", "\n").replace("\r", "\n")
    magic = re.match(r"\s*%%(\w+)", text)
    if magic is not None and magic.group(1) not in PYTHON_MAGICS:
        return "\n" * text.count("\n")
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    """A line without its magic: shell commands and magics do nothing, what they would give is an empty list."""
    indent = line[: len(line) - len(line.lstrip())]
    bare = line.strip()
    if re.match(r"(?:!|%%?[A-Za-z]|\?{1,2}\w)", bare) or re.fullmatch(r"[\w.]+\?{1,2}", bare):
        return f"{indent}pass"
    assigned = re.match(r"(\w[\w, ]*=\s*)[!%][A-Za-z]", bare)
    return f"{indent}{assigned.group(1)}[]" if assigned else line
