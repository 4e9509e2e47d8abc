"""The rule of cost that CONTRIBUTING shows is the one of the program."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_rule_that_is_shown_stands_in_the_source() -> None:
    blocks = re.findall(r"^  ```python\n(.*?)^  ```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.DOTALL | re.M)
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "src/whichgpu/costing").glob("*.py"))
    shown = [block for block in blocks if "@rule" in block]
    assert shown
    assert all(textwrap.dedent(rule).strip() in source for rule in shown)
