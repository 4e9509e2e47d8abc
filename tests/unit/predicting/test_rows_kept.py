"""Rows of GPUs are kept between questions, but not without end."""

from __future__ import annotations

import dataclasses

import pytest

from whichgpu import zoo
from whichgpu.catalog import default_catalog
from whichgpu.predicting import hardware, predict
from whichgpu.predicting.coefficients import shipped


def test_limits_that_are_never_asked_again_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_MOST_ROWS", 8)
    coefficients = dataclasses.replace(shipped())
    work, gpu = zoo.workload("lstm"), default_catalog().get("rtx-3090")
    times = []
    for limit in range(100, 150):
        limited = dataclasses.replace(work, power_limit_w=float(limit))
        times.append(predict(limited, [gpu], coefficients)[0].latency_s.mid)
    assert len(coefficients.rows) <= 8
    assert times == sorted(times, reverse=True)
