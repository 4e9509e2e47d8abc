"""Published names that are no catalogue entry, each with its reason code (``not_gpus.toml``)."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Final

from whichgpu.errors import DataError

REASONS: Final = ("vgpu", "mig", "unknown_board", "several_boards", "modified", "no_datasheet")
"""Why a published name is no entry; docs/catalog.md explains each."""


@functools.cache
def not_gpus() -> Mapping[str, str]:
    """Exact published name → reason code; raises DataError for a code that is not in ``REASONS``."""
    text = resources.files("whichgpu.catalog").joinpath("not_gpus.toml").read_text(encoding="utf-8")
    names: dict[str, str] = tomllib.loads(text)["names"]
    for name, reason in names.items():
        if reason not in REASONS:
            raise DataError("{name!r} has the unknown reason {reason!r}", name=name, reason=reason)
    return names
