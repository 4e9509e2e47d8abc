"""Printing: one JSON document, or text."""

from __future__ import annotations

import sys
from typing import Any


def json_document(document: dict[str, Any]) -> None:
    """The document on standard output, and nothing else."""
    import json

    write(json.dumps(document, ensure_ascii=False, allow_nan=False))


def write(text: str) -> None:
    """A line, with characters replaced that the terminal's encoding does not have."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, errors="replace").decode(encoding) + "\n")
