"""The command line called in process: its exit status and what it printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from whichgpu.cli.main import run


@dataclass(frozen=True)
class Done:
    """A finished call."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as the one JSON document it holds."""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """Standard error as an error document."""
        return json.loads(self.err)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Calls the command line in English, whatever the locale of the tests."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.delenv("LANGUAGE", raising=False)

    def call(*arguments: str) -> Done:
        status = run(list(arguments))
        captured = capsys.readouterr()
        return Done(status=status, out=captured.out, err=captured.err)

    return call
