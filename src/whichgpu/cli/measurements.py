"""Public measurements beside the predictions of ``whichgpu estimate``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from whichgpu.cli.tables import paragraph
from whichgpu.explaining import _

if TYPE_CHECKING:
    from whichgpu.measurements.beside import Answers, Public


def measured_lines(answers: Answers, public: Public, available: int | None) -> Iterator[str]:
    """One line a measurement, those of the same batch size first."""
    from whichgpu.explaining.measured import measured_sentence

    if not public:
        return
    yield ""
    yield _("Measured by others:")
    for (number, gpu), rows in public.items():
        for row in rows:
            yield paragraph(measured_sentence(answers[number][0].name, gpu, row), available)
