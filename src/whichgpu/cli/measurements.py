"""Public measurements beside the predictions of ``whichgpu estimate``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from whichgpu.cli.tables import paragraph
from whichgpu.estimate import Estimate, Evidence
from whichgpu.explaining import _
from whichgpu.explaining.quantities import count, duration, plain
from whichgpu.workload import Workload

if TYPE_CHECKING:
    from whichgpu.measurements.published import Published

Answers = list[tuple[Workload, list[Estimate]]]
Public = Mapping[tuple[int, str], "Sequence[Published]"]


def measurements_beside(answers: Answers) -> Public:
    """What others measured, by the position of the answer and the GPU; only where there is any."""
    from whichgpu.measurements.published import published

    found = {
        (number, each.gpu): published(workload, each)
        for number, (workload, made) in enumerate(answers)
        for each in made
    }
    return {key: rows for key, rows in found.items() if rows}


def with_evidence(answers: Answers, public: Public) -> Answers:
    """The same predictions; their evidence is a measurement where one was made under these very conditions."""
    return [
        (workload, [_proven(each, public.get((number, each.gpu), ())) for each in made])
        for number, (workload, made) in enumerate(answers)
    ]


def _proven(each: Estimate, rows: Sequence[Published]) -> Estimate:
    exact = any(row.exact for row in rows)
    return dataclasses.replace(each, evidence=Evidence.MEASURED) if exact else each


def measured_lines(answers: Answers, public: Public, available: int | None) -> Iterator[str]:
    """One line a measurement, those of the same batch size first."""
    if not public:
        return
    yield ""
    yield _("Measured by others:")
    for (number, gpu), rows in public.items():
        for row in rows:
            yield paragraph(_line(answers[number][0].name, gpu, row), available)


def _line(workload: str, gpu: str, row: Published) -> str:
    if row.exact:
        text = _("{workload} on {gpu}: {value}, batch {batch}, {stack} ({source}, {year}); predicted/measured {ratio}")
    else:
        text = _(
            "{workload} on {gpu}: {value}, nearest conditions: batch {batch}, {stack} ({source}, {year}); "
            "predicted/measured by the sample {ratio}"
        )
    return text.format(
        workload=workload,
        gpu=gpu,
        value=_value(row),
        batch=count(row.batch_size),
        stack=row.stack,
        source=row.source,
        year=row.year,
        ratio=f"{row.ratio:.2f}",
    )


def _value(row: Published) -> str:
    from whichgpu.measurements.published import LATENCY

    if row.quantity == LATENCY:
        return _("{time} a step").format(time=duration(row.value))
    return _("{rate} samples/s").format(rate=plain(row.value))
