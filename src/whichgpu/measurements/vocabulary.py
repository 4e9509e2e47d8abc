"""What a published row means: quantity, step, precision and how it counts, by (source, metric, unit, phase, dtype).

The lines stand in ``tables/vocabulary.csv``; nothing is guessed from a column's name.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final

Key = tuple[str | None, str | None, str | None, str | None, str | None]
"""(source, metric, unit, phase, dtype) as published."""

STEPS: Final[Mapping[str, str]] = {
    "forward": "forward",
    "forward of the whole sequence": "forward",
    "backward": "backward",
    "forward+backward": "forward+backward",
    "full": "full",
    "prefill": "prefill",
    "decode": "decode",
    "one kernel": "kernel",
}
"""The vocabulary's steps → ``Workload.step``; others (serving, a simulator) are skipped by their line."""

SKIP_NOTES: Final[Mapping[str, str]] = {
    "serving: not yet predicted": "serving",
    "whole run with evaluation": "whole_run",
    "whole system at the wall": "whole_system_power",
    "bound by the simulator; a network alone does not predict it": "simulator_bound",
}
"""The vocabulary's reasons to skip → codes; a reason that is not here is ``vocabulary``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One meaning: ``scoring`` is score, duplicate, skip, fit label, upper bound or relative."""

    key: Key
    quantity: str
    step: str
    precision: str
    weight_precision: str | None
    scoring: str
    note: str

    @property
    def skip_code(self) -> str:
        """The code of a line whose rows are skipped."""
        return SKIP_NOTES.get(self.note, "vocabulary")


@functools.cache
def vocabulary() -> Mapping[Key, Line]:
    """Every line by its key."""
    text = resources.files("whichgpu.measurements").joinpath("tables/vocabulary.csv").read_text(encoding="utf-8")
    lines = [_line(row) for row in csv.DictReader(text.splitlines())]
    return {line.key: line for line in lines}


def _line(row: Mapping[str, str]) -> Line:
    return Line(
        key=(row["source"], row["metric"], row["unit"], row["phase"], row["dtype"]),
        quantity=row["quantity"],
        step=row["step"],
        precision=row["precision_code"],
        weight_precision=row["weight_precision"] or None,
        scoring=row["scoring"],
        note=row["note"],
    )


_KEY_NAMES: Final = ("source", "metric", "unit", "phase", "dtype")


def unmatched_part(key: Key) -> str:
    """Which part of a key no line has: ``source``, or the one part that keeps it from a line, else ``combination``."""
    lines = vocabulary()
    if all(known[0] != key[0] for known in lines):
        return "source"
    for position in range(1, len(_KEY_NAMES)):
        others = [index for index in range(len(_KEY_NAMES)) if index != position]
        if any(all(known[index] == key[index] for index in others) for known in lines):
            return _KEY_NAMES[position]
    return "combination"


_AIC_PRECISIONS: Final = {
    "bfloat16": ("bf16", None),
    "float16": ("fp16", None),
    "half": ("fp16", None),
    "int8": ("int8", None),
    "fp8": ("fp8", None),
    "fp8_block": ("fp8", None),
    "nvfp4": ("fp4", None),
}


def aic_line(dtype: str | None) -> Line | None:
    """The meaning of an operator row of aiconfigurator, whose own columns say all; None for an unknown dtype."""
    known = _AIC_PRECISIONS.get(dtype or "")
    if known is None:
        return None
    return Line(
        key=("aic", "latency", "ms", "fwd", dtype),
        quantity="latency",
        step="one kernel",
        precision=known[0],
        weight_precision=known[1],
        scoring="score",
        note="",
    )
