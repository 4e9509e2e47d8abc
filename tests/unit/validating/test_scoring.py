"""Errors, coverages, tau and regret against figures by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from whichgpu.catalog import default_catalog
from whichgpu.errors import UsageError
from whichgpu.validating.decisions import kendall_tau
from whichgpu.validating.grouping import Group, resolved
from whichgpu.validating.headlines import headlines
from whichgpu.validating.scoring import Rows, Score, score
from whichgpu.validating.tiers import Tier


def rows(measured: list[float], predicted: list[float], **change: Any) -> Rows:
    count = len(measured)
    columns: dict[str, Any] = {
        "measured": np.array(measured),
        "predicted": np.array(predicted),
        "low": np.array(predicted) * 0.8,
        "high": np.array(predicted) * 1.25,
        "scored": np.ones(count, dtype=bool),
        "bounds": np.zeros(count, dtype=bool),
        "labels": np.full(count, -1),
        "fit": np.full(count, -1),
    }
    return Rows(**{**columns, **{name: np.array(value) for name, value in change.items()}})


def test_errors_are_in_percent_of_what_was_measured() -> None:
    found = score(rows([10.0, 10.0, 10.0, 10.0], [11.0, 8.0, 10.0, 20.0]), context_bytes=None, kernels=False)
    assert found.mape == pytest.approx((10 + 20 + 0 + 100) / 4)
    assert found.median_ape == pytest.approx(15)
    assert found.bias == pytest.approx((10 - 20 + 0 + 100) / 4)
    # 11 is covered from 8.8 to 13.75, 8 from 6.4 to exactly 10, 10 from 8 to 12.5, 20 from 16.
    assert found.interval_coverage == pytest.approx(3 / 4)
    assert found.interval_width == pytest.approx(45)
    assert found.mape_long is None


def test_nothing_scored_has_no_error() -> None:
    found = score(rows([], []), context_bytes=None, kernels=True)
    assert found.mape is None
    assert found.bias is None
    assert found.interval_coverage is None
    assert found.fit_accuracy is None
    assert found.upper_bounds_kept is None
    assert found.n_long == 0


def test_long_kernels_are_told_apart() -> None:
    found = score(rows([10e-6, 40e-6], [20e-6, 50e-6]), context_bytes=None, kernels=True)
    assert found.mape == pytest.approx((100 + 25) / 2)
    assert (found.n_long, found.mape_long) == (1, pytest.approx(25))


def test_memory_is_compared_above_its_context_where_enough_stands_above_it() -> None:
    mib = 2.0**20
    found = score(rows([2000 * mib, 1500 * mib], [1900 * mib, 900 * mib]), context_bytes=1443 * mib, kernels=False)
    assert found.mape_above_context == pytest.approx(100 * 100 / (2000 - 1443))


def test_a_ratio_without_interval_counts_in_no_coverage() -> None:
    found = score(rows([1.0], [1.1], low=[math.nan], high=[math.nan]), context_bytes=None, kernels=False)
    assert found.interval_coverage is None
    assert found.mape == pytest.approx(10)


def test_bounds_are_kept_or_broken_and_no_error() -> None:
    some = rows([10.0, 10.0, 10.0], [9.0, 11.0, math.nan], scored=[False] * 3, bounds=[True] * 3)
    found = score(some, context_bytes=None, kernels=False)
    assert found.upper_bounds_kept == pytest.approx(0.5)
    assert found.mape is None


def test_tight_is_right_either_way_and_a_wrong_fit_is_not() -> None:
    # Ran and predicted: fits, tight, not; out of memory and predicted: fits, tight, not; and one that nobody knows.
    labels, fit = [1, 1, 1, 0, 0, 0, -1], [2, 1, 0, 2, 1, 0, 0]
    found = score(rows([1.0] * 7, [1.0] * 7, labels=labels, fit=fit), context_bytes=None, kernels=False)
    assert found.fit_accuracy == pytest.approx(4 / 6)


def test_kendalls_tau() -> None:
    one = np.array([1.0, 2.0, 3.0, 4.0])
    assert kendall_tau(one, one * 7) == 1
    assert kendall_tau(one, -one) == -1
    assert kendall_tau(one, np.array([1.0, 3.0, 2.0, 4.0])) == pytest.approx(4 / 6)
    assert kendall_tau(one, np.array([1.0, 1.0, 2.0, 3.0])) == pytest.approx(5 / math.sqrt(6 * 5))
    assert kendall_tau(one, np.ones(4)) is None


def group(gpu: str, n: int, mape: float) -> Group:
    figures = dict.fromkeys(Score.__dataclass_fields__)
    return Group(
        source="s",
        level="e2e",
        family="cnn",
        phase="infer",
        precision="fp32",
        metric="latency",
        gpu=gpu,
        n_gpus=1,
        tier="spec-only",
        rows=n,
        n=n,
        duplicates=0,
        skip_reasons={},
        fit_labels=0,
        upper_bounds=0,
        score=Score(**{**figures, "mape": mape, "bias": -mape}),
    )


def test_no_much_measured_gpu_decides_a_headline() -> None:
    (found,) = headlines([group("a", 1000, 10.0), group("a", 3000, 20.0), group("b", 1, 40.0), group("c", 0, 99.0)])
    assert found.gpus == 2
    assert found.n == 4001
    assert found.mape == pytest.approx((17.5 + 40) / 2)
    assert found.bias == pytest.approx(-(17.5 + 40) / 2)


def test_processors_have_a_headline_of_their_own() -> None:
    found = headlines([group("rtx-3090", 10, 20.0), group("core-i7-12700h", 10, 60.0), group("tesla-t4", 10, 10.0)])
    assert [(each.processor, each.gpus, each.mape) for each in found] == [("cpu", 1, 60.0), ("gpu", 2, 15.0)]


def test_float32_is_what_source_and_gpu_make_of_it() -> None:
    catalog = default_catalog()
    ampere, turing, radeon = (catalog.get(name) for name in ("rtx-3090", "rtx-2080-ti", "rx-7900-xtx"))
    assert [resolved("float32-tf32", gpu) for gpu in (ampere, turing, radeon)] == ["tf32", "fp32", "fp32"]
    assert resolved("float32-tf32-conv", ampere) == "fp32+tf32-conv"
    assert resolved("amp-fp16", turing) == "amp-fp16"
    assert resolved("float32-tf32", None) == "float32-tf32"
    assert resolved("", ampere) is None


def test_an_unknown_tier_is_refused() -> None:
    with pytest.raises(UsageError, match="no tier 'gold'"):
        Tier("gold")
