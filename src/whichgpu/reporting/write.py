"""Writing a report: the format by the file's ending, all or nothing on the disk."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

from whichgpu.errors import InvalidValue
from whichgpu.recommendation import Recommendation
from whichgpu.reporting.page import html
from whichgpu.reporting.text import markdown, table

FORMATS: Final = (".html", ".md", ".csv")


def report(answer: Recommendation, suffix: str, currency: str) -> str:
    """The report in the format of a file's ending; raises InvalidValue for any other."""
    if suffix in (".html", ".htm"):
        return html(answer, currency)
    if suffix == ".md":
        return markdown(answer)
    if suffix == ".csv":
        return table(answer)
    raise InvalidValue(
        "a report cannot end in {suffix!r}", suffix=suffix, field="report", hint="formats: .html, .md, .csv"
    )


def write(answer: Recommendation, path: Path, currency: str) -> None:
    """Writes the report; a file that is there is replaced only by a whole one. Raises InvalidValue where it cannot."""
    text = report(answer, path.suffix.lower(), currency)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except OSError as error:
        raise InvalidValue(
            "the report {path} cannot be written: {error}", path=str(path), error=error.strerror or "", field="report"
        ) from None
