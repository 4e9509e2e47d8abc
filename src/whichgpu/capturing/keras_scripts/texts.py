"""Texts as a script meets them in TensorFlow: arrays that say their type is ``string``."""

from __future__ import annotations

from typing import Any

import numpy as np


class Text(np.ndarray[Any, Any]):
    """Texts as TensorFlow's string tensors show themselves to a script."""

    dtype = "string"

    def numpy(self) -> Any:
        """The texts as a plain array of objects, or the one text."""
        return np.asarray(self)[()]


def text(value: Any) -> Text:
    """An array of texts."""
    return np.asarray(value, dtype=object).view(Text)


def is_text(array: Any) -> bool:
    """Whether an array holds texts and no numbers."""
    return (
        isinstance(array, Text)
        or (array.dtype.kind in "US")
        or (array.dtype.kind == "O" and array.size > 0 and isinstance(array.reshape(-1)[0], str | bytes))
    )
