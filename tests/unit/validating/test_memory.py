"""Figures of memory, from peaks and verdicts written down by hand."""

import math

import pytest

from whichgpu.validating.memory import IMPOSSIBLE, SLICED, MemoryRecord, Peak, _set_apart


def peak(measured, predicted, source="a", certain=0.0):
    return Peak(
        source=source,
        model="m",
        measured=measured,
        predicted=predicted,
        low=certain + (predicted - certain) / 1.5,
        high=certain + (predicted - certain) * 1.5,
        certain_bytes=certain,
    )


def test_errors_and_coverage_of_a_source():
    record = MemoryRecord(peaks=[peak(100.0, 110.0), peak(100.0, 80.0), peak(100.0, 200.0)])
    (found,) = record.sources()
    assert found.rows == 3
    assert found.mean_error == pytest.approx((0.1 + 0.2 + 1.0) / 3)
    assert found.bias == pytest.approx((0.1 - 0.2 + 1.0) / 3)
    # 200 / 1.5 is above 100
    assert found.coverage == pytest.approx(2 / 3)


def test_what_is_exact_is_not_part_of_the_spread():
    assert peak(150.0, 200.0, certain=100.0).spread == pytest.approx(math.log(2.0))
    assert peak(90.0, 200.0, certain=100.0).spread == math.inf


def test_each_source_weighs_the_same_in_the_factor():
    many = [peak(100.0, 110.0) for _ in range(40)]
    record = MemoryRecord(peaks=[*many, peak(100.0, 130.0, "b"), peak(100.0, 140.0, "b")])
    # half the weight is within 1.1, a quarter each at 1.3 and 1.4: 80 % are reached at 1.4
    assert record.factor() == pytest.approx(1.4)
    assert record.coverage() == 1.0


def test_rows_below_what_is_exact_stand_apart_with_their_reason():
    assert _set_apart(peak(90.0, 200.0, certain=100.0), 1.0).apart == IMPOSSIBLE
    assert _set_apart(peak(100.0, 100.0, "lambda_diffusers"), 32.0).apart == SLICED
    assert _set_apart(peak(100.0, 190.0, "lambda_diffusers"), 16.0, too_large=True).apart == SLICED
    assert not _set_apart(peak(100.0, 190.0), 16.0, too_large=True).apart
    assert not _set_apart(peak(100.0, 100.0), 1.0).apart


def test_verdicts_tight_is_right_either_way():
    found = MemoryRecord(ran=[2, 2, 1, 0], failed=[1, 0, 2, 0]).verdicts()
    assert (found.refused, found.said_to_fit) == (1, 1)
    assert found.right_fraction == 6 / 8
