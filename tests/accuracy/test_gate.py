"""A fixed sample of the measurements that ship, predicted by the code as it is: no family may become much worse.

The errors stand in ``figures.json``. After a change of the predictor that is meant, ``make gate`` writes them anew, and
the change shows which families paid for it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from whichgpu.measurements.sources import shipped_sources
from whichgpu.validating.gate import gate_errors, worse

HERE = Path(__file__).resolve().parent
FIGURES = json.loads((HERE / "figures.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def errors() -> dict[str, dict[str, float]]:
    return gate_errors(HERE / "sample")


@pytest.mark.parametrize("tier", ["spec-only", "calibrated"])
def test_no_family_is_predicted_much_worse_than_before(errors: dict[str, dict[str, float]], tier: str) -> None:
    grown = worse(FIGURES[tier], errors[tier])
    said = "; ".join(f"{name} from {before} % to {now} %" for name, (before, now) in grown.items())
    assert not grown, f"{said}. Where this is meant: make gate"


def test_a_tenth_more_is_too_much_and_what_is_gone_is_worse() -> None:
    before = {"kept": 10.0, "grown": 10.0, "gone": 10.0}
    now = {"kept": 10.9, "grown": 11.1, "new": 90.0}
    assert worse(before, now) == {"grown": (10.0, 11.1), "gone": (10.0, None)}


def test_the_sample_is_of_sources_that_may_ship() -> None:
    files = {name for source in shipped_sources() for name in source.files}
    drawn = {path.name for path in (HERE / "sample").glob("*.parquet")}
    assert drawn
    assert drawn <= files
