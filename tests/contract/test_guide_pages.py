"""The pages of docs/guide are what the program says today; ``make docs`` writes them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_pages_of_the_guide_are_those_of_the_program() -> None:
    spec = importlib.util.spec_from_file_location("guide_pages", ROOT / "scripts" / "guide.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    stale = [path.name for path, text in module.pages().items() if path.read_text(encoding="utf-8") != text]
    assert not stale, "make docs writes them again"
