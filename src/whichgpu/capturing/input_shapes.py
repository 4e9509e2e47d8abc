"""Inputs of a model by their shapes, as a user writes them: ``3x224x224``, ``128:int64``; the batch is not in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from whichgpu.errors import InvalidValue

DTYPES: Final = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int8", "uint8", "bool")
MOST_DIMENSIONS: Final = 8
LARGEST: Final = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class InputShape:
    """One input of a model: its shape without the batch (empty: one number a sample) and its element type."""

    shape: tuple[int, ...]
    dtype: str = "float32"


def input_shape(text: str) -> InputShape:
    """The input that ``text`` says; raises InvalidValue. ``scalar`` is one number a sample."""
    sizes, colon, dtype = text.strip().lower().partition(":")
    parts = [] if sizes == "scalar" else re.split(r"[x,]", sizes)
    fits = all(part.isascii() and part.isdecimal() and 0 < int(part) <= LARGEST for part in parts)
    if not fits or len(parts) > MOST_DIMENSIONS or (colon and dtype not in DTYPES):
        raise InvalidValue(
            "--input-shape is {text!r}, but must be sizes without the batch, and a type where it is not float32",
            text=text,
            field="input-shape",
            hint="write --input-shape 3x224x224 or --input-shape 128:int64; types: {types}",
            types=", ".join(DTYPES),
        )
    return InputShape(shape=tuple(int(part) for part in parts), dtype=dtype or "float32")
