"""What the program prints, kept as files: a change of wording or of a document's keys is seen in review.

``WHICHGPU_GOLDEN=write pytest tests/golden`` writes the files anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from whichgpu.cli.main import run
from whichgpu.explaining import active, sentences
from whichgpu.recommendation import Reason
from whichgpu.requirement import Verdict
from whichgpu.units import GIB

FOLDER = Path(__file__).resolve().parent
LANGUAGES = ("en", "ja")
HELPED = ((), ("recommend",), ("estimate",), ("capture",), ("gpus",), ("gpus", "show"), ("gpus", "compare"), ("top",))

REASONS = [
    Reason(code="bound_bandwidth", values={"precision": "fp16"}),
    Reason(
        code="fits",
        values={"peak_memory_bytes": 6.0 * GIB, "usable_memory_bytes": 24.0 * GIB, "spare_fraction": 0.75},
    ),
    Reason(code="speedup_over_cpu", values={"factor": 41.7, "cpu": "ryzen-7-9700x"}),
    Reason(
        code="support_in-wheels",
        values={"framework": "pytorch", "os": ["linux", "wsl"], "status": "in-wheels", "date": "2026-07-17"},
    ),
    Reason(code="support_ends", values={"framework": "pytorch", "until": "PyTorch 2.14", "date": "2026-07-17"}),
    Reason(code="precision_emulated", values={"asked": "bf16", "actual": "fp32"}),
    Reason(
        code="price",
        values={"way": "used", "amount": 69800.0, "currency": "JPY", "date": "2026-10-01", "source": "GPU Poet"},
    ),
    Reason(
        code="rent",
        values={"way": "rented", "amount": 2.39, "currency": "USD", "date": "2026-10-01", "source": "gpu-price-feed"},
    ),
    Reason(code="tied", values={"with": "rtx-3090"}),
]
VERDICTS = [
    Verdict(
        code="too_little_memory",
        requirement="memory",
        actual=8.0 * GIB,
        limit=11.5 * GIB,
        margin=-3.5 * GIB,
        unit="bytes",
        flip={"code": "smaller_batch", "batch_size": 16},
    ),
    Verdict(
        code="over_budget",
        requirement="budget",
        actual=163000.0,
        limit=150000.0,
        margin=-13000.0,
        unit="jpy",
        flip={"code": "raise_budget", "to": 163000.0},
    ),
    Verdict(
        code="over_power",
        requirement="max_power",
        actual=350.0,
        limit=250.0,
        margin=-100.0,
        unit="w",
        flip={"code": "raise_power_limit", "to": 350.0},
    ),
    Verdict(
        code="unsupported_software",
        requirement="software",
        actual="none",
        limit="tensorflow on windows",
        margin=None,
        unit="",
        flip={"code": "change_os", "os": "linux"},
    ),
]


def check(name: str, text: str) -> None:
    """The text is that of the file, or becomes it where files are to be written."""
    path = FOLDER / name
    if os.environ.get("WHICHGPU_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_help(language: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("LANGUAGE", raising=False)
    parts = []
    for command in HELPED:
        assert run(["--lang", language, *command, "--help"]) == 0
        parts.append(f"$ whichgpu {' '.join((*command, '--help'))}\n{capsys.readouterr().out}")
    check(f"help-{language}.txt", "\n".join(parts))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentences(language: str) -> None:
    with active(language):
        lines = [*(sentences.reason(found) for found in REASONS), *(sentences.verdict(found) for found in VERDICTS)]
    check(f"sentences-{language}.txt", "\n".join(lines) + "\n")


CALLS = {
    "recommendation": ("recommend", "resnet50", "--budget", "900usd", "--samples", "1000", "--epochs", "2"),
    "estimate": ("estimate", "resnet50", "--gpu", "rtx-3090"),
    "capture": ("capture", "resnet50"),
    "gpus": ("gpus", "--search", "3090"),
    "gpu": ("gpus", "show", "rtx-3090"),
    "comparison": ("gpus", "compare", "rtx-3090", "rtx-4090"),
    "top": ("top",),
    "error": ("recommend", "resnet50", "--batch-size", "0"),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_keys_of_every_document(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    run([*CALLS[name], "--json"])
    captured = capsys.readouterr()
    document = json.loads(captured.out or captured.err)
    check(f"keys-{name}.txt", "\n".join(sorted(set(keys(document)))) + "\n")


OPEN = {"figures", "board_figures", "relative", "estimates"}
"""Objects whose keys are names of the data, not of the document."""


def keys(value: Any, path: str = "") -> Iterator[str]:
    """The path of every key; of a list all elements, of codes their values by code."""
    if isinstance(value, list):
        for part in value:
            yield from keys(part, f"{path}[]")
    elif isinstance(value, dict):
        if "code" in value:
            path = f"{path}<code>"
            value = {name: part for name, part in value.items() if name in ("code", "requirement", "margin", "flip")}
        named = path.rsplit(".", 1)[-1] in OPEN
        for name, part in value.items():
            here = f"{path}.*" if named else f"{path}.{name}"
            yield here
            yield from keys(part, here)
