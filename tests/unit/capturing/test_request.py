"""Requests: numbers in their domain, and what decides a capture's key."""

from __future__ import annotations

from typing import Any

import pytest

from whichgpu.capturing import CaptureRequest, Limits
from whichgpu.errors import InvalidValue, UnknownName
from whichgpu.workload import Precision


@pytest.mark.parametrize("name", ["batch_size", "sequence_length", "samples", "epochs"])
@pytest.mark.parametrize("value", [0, -1, 10**18, 1.5, True, "32"])
def test_counts_outside_their_domain_are_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        CaptureRequest(**{name: value})
    assert caught.value.field == name


def test_an_unknown_phase_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName) as caught:
        CaptureRequest(phase="trian")
    assert "train" in (caught.value.hint or "")


def test_a_request_survives_its_document() -> None:
    request = CaptureRequest(batch_size=8, precision=Precision.BF16, model="m", cache=False, limits=Limits(time_s=1))
    again = CaptureRequest.from_document(request.document())
    assert again.document() == request.document()
    assert (again.precision, again.model) == (Precision.BF16, "m")


def test_the_environment_shortens_a_scripts_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHICHGPU_SCRIPT_SECONDS", "7")
    assert Limits.default().time_s == 7.0
