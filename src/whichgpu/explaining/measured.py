"""A public measurement beside a prediction as a sentence."""

from __future__ import annotations

from whichgpu.explaining.language import _
from whichgpu.explaining.quantities import count, duration, plain
from whichgpu.measurements.published import LATENCY, Published


def measured_sentence(workload: str, gpu: str, row: Published) -> str:
    """What was measured under which conditions by whom, and how the prediction compares."""
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
    if row.quantity == LATENCY:
        return _("{time} a step").format(time=duration(row.value))
    return _("{rate} samples/s").format(rate=plain(row.value))
