"""What calibration found, as the documents that the predictor reads: small, readable, the same for the same data."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from whichgpu.predicting.coefficients import VERSION, Fitted, folds_name


def fitted_document(
    whole: Mapping[str, Any], sources: Mapping[str, Any], folds: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The set of all workloads, with the sources it comes from, and the sets with a part of the workloads left out."""
    return {
        "version": VERSION,
        "sources": dict(sources),
        "form": {},
        "form_without": {},
        **whole,
        "folds": list(folds),
    }


def chips_document(chips: Mapping[str, Mapping[str, Fitted]], families: Mapping[str, str]) -> dict[str, Any]:
    """Every chip's family and coefficients, each with its spread, rows and sources."""
    return {
        chip: {
            "family": families[chip],
            "values": {
                name: {
                    "value": fitted.value,
                    "spread": fitted.spread,
                    "rows": fitted.rows,
                    "sources": list(fitted.sources),
                }
                for name, fitted in sorted(chips[chip].items())
            },
        }
        for chip in sorted(chips)
    }


def write_fitted(document: Mapping[str, Any], path: Path) -> None:
    """Write a fitted document, and beside it the sets with a part of the workloads left out, which few ask for."""
    write({name: value for name, value in document.items() if name != "folds"}, path)
    write({"version": document["version"], "folds": document["folds"]}, path.with_name(folds_name(path.name)))


def write(document: Mapping[str, Any], path: Path) -> None:
    """Write a document so that a reader never sees half of it."""
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
