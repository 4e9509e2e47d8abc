"""Help texts on a narrow terminal: no line is wider, and no option's name is parted."""

from __future__ import annotations

import re

import pytest

from whichgpu.cli.main import run
from whichgpu.cli.tables import width


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("command", ["recommend", "estimate", "serve", "zoo", "gpus"])
def test_help_fits_80_columns_and_keeps_names_of_options_whole(
    command: str, language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    run([command, "--help", "--lang", language])
    lines = capsys.readouterr().out.splitlines()
    wide = [line for line in lines if width(line) > 80]
    # the list of values of an option is one word, and stands alone on its line
    assert [line for line in wide if not re.fullmatch(r"  --[a-z-]+ \S+", line)] == []
    assert [line for line in lines if re.search(r"--[a-z]+-$", line)] == []
