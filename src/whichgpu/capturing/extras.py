"""Packages that a reader needs and that may not be there: looked for, not imported."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable


def absent(packages: Iterable[str]) -> list[str]:
    """Those packages that are not installed, in their order."""
    return [name for name in packages if importlib.util.find_spec(name) is None]
