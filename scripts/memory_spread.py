"""How far predicted peaks of memory are from published ones, by source, and the interval that holds 80 % of them.

``python scripts/memory_spread.py DIR`` reads a folder of measurements (docs/validate.md). Each source weighs the same
in the factors at the end: they are ``memory_language`` and ``memory`` of ``predicting/spread.toml``. Rows that stand
apart are listed with the reason.
"""

from __future__ import annotations

import sys
from pathlib import Path

from whichgpu.validating import validate
from whichgpu.validating.memory import REASONS, MemoryRecord

LANGUAGE = ("litgpt",)
"""Sources of language models."""

GIVEN = ("gpumemnet",)
"""Sources whose context is given: what is left is exact, and says nothing of others."""


def main() -> None:
    """Print a line a source, what stands apart, the verdicts, and the factor over all."""
    record = MemoryRecord()
    validate(Path(sys.argv[1]), watch=record, compare=False)
    for each in record.sources():
        print(
            f"{each.source}: {each.rows} rows, mean error {each.mean_error:.1%}, bias {each.bias:+.1%}, "
            f"{each.coverage:.0%} inside the interval, 80 % of what passes within {each.factor:.3f}"
        )
    for (source, reason), rows in record.apart().items():
        told = ", ".join(f"{peak.model} {peak.error:+.0%}" for peak in rows[:8])
        print(f"apart: {source}, {len(rows)} rows ({REASONS[reason]}): {told}")
    found = record.verdicts()
    print(
        f"verdicts: {found.right_fraction:.1%} right; of {found.ran} rows that ran {found.refused} are refused, "
        f"of {found.failed} that did not {found.said_to_fit} are said to fit"
    )
    print(f"inside the interval, each source weighing the same: {record.coverage():.0%}")
    sources = [each.source for each in record.sources()]
    print(f"factor of language models: {record.factor(*(name for name in sources if name in LANGUAGE)):.3f}")
    others = (name for name in sources if name not in (*LANGUAGE, *GIVEN))
    print(f"factor of all others: {record.factor(*others):.3f}")


if __name__ == "__main__":
    main()
