"""The published schema and the page of keys are those of the program."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[3]


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("requirements_pages", ROOT / "scripts" / "requirements.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_published_schema_is_todays() -> None:
    published = json.loads((ROOT / "docs" / "requirements.schema.json").read_text(encoding="utf-8"))
    assert published == script().schema(), "make docs writes it again"


def test_the_page_lists_every_key() -> None:
    assert script().rows() in (ROOT / "docs" / "requirements.md").read_text(encoding="utf-8"), "make docs"
