"""PyTorch's own counter on the same models: equal, or different by exactly what it leaves out or adds, by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.contract.counts.other_counter import REASONS, Printed, explained, printed
from tests.contract.counts.report import bytes_by_hand, compared
from tests.contract.counts.table import CASES, Case

DOCS = Path(__file__).resolve().parents[2] / "docs" / "capture-checks.md"
BY_LABEL = {case.label: case for case in CASES}
PRINTED = [(BY_LABEL[label], phase, found) for (label, phase), found in printed().items()]
EACH = pytest.mark.parametrize(("case", "phase", "found"), PRINTED, ids=[f"{c.label}-{p}" for c, p, _ in PRINTED])
ROUNDED = 1e-6
"""The file holds whole FLOP of a sample."""


def test_forty_models_forward_and_in_training() -> None:
    assert sum(phase == "infer" for _, phase, _ in PRINTED) >= 40
    assert sum(phase == "train" for _, phase, _ in PRINTED) >= 40


@EACH
def test_the_named_reasons_are_the_whole_difference(case: Case, phase: str, found: Printed) -> None:
    assert explained(case, phase, found.reasons) == pytest.approx(found.flops, rel=ROUNDED)


@EACH
def test_no_reason_is_named_in_vain(case: Case, phase: str, found: Printed) -> None:
    for reason in found.reasons:
        others = tuple(other for other in found.reasons if other != reason)
        assert explained(case, phase, others) != pytest.approx(found.flops, rel=ROUNDED)


def test_the_docs_hold_both_tables_and_every_reason() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert "\n".join(compared()) in text
    assert "\n".join(bytes_by_hand()) in text
    for name, (_, words) in REASONS.items():
        assert f"| {name} | {words} |" in text
