"""A narrow slot: the copies of the samples take their time even beside the step."""

from __future__ import annotations

import pytest

from whichgpu.estimate import Bound
from whichgpu.recommending import Question, recommend
from whichgpu.requirement import Place, Requirements

BATCH, WIDTH = 4096, 1024
COPIED_BYTES = BATCH * WIDTH * 4
"""A batch of FP32 samples: 16 MiB."""


def asked(make, catalog, gpu, **place):
    question = Question(requirements=Requirements(place=Place(**place), gpus=(gpu,)), own=None, currency="USD")
    (found,) = recommend(make(batch=BATCH, width=WIDTH), catalog, question).ranked
    return found, {each.code: each.values for each in found.reasons}


def test_a_step_is_no_shorter_than_the_copy_of_its_batch(make, catalog):
    # PCIe 3 moves 0.985 GB/s a lane, of which copies from pinned memory reach 0.8: 21.3 ms over one lane
    wide, plain = asked(make, catalog, "rtx-4090")
    found, reasons = asked(make, catalog, "rtx-4090", pcie_generation=3, pcie_lanes=1)
    least_s = COPIED_BYTES / (0.985e9 * 0.8)
    assert found.estimate.latency_s.mid == pytest.approx(least_s, rel=0.01)
    assert found.estimate.bound is Bound.INPUT
    values = reasons["link_narrowed"]
    assert (values["generation"], values["lanes"]) == (3, 1)
    assert values["slowdown"] == pytest.approx(found.estimate.latency_s.mid / wide.estimate.latency_s.mid)
    assert "link_narrowed" not in plain


def test_what_costs_nothing_is_not_said(make, catalog):
    # 16 lanes of PCIe 3: 1.3 ms for the copy, and the step takes longer
    wide, _reasons = asked(make, catalog, "gtx-1080-ti")  # PCIe 3 x16 of its own
    found, reasons = asked(make, catalog, "gtx-1080-ti", pcie_generation=5, pcie_lanes=16)
    assert found.estimate == wide.estimate
    assert "link_narrowed" not in reasons
