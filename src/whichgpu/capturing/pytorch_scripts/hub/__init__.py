"""Libraries of Hugging Face in scripts: models by name, tokenizers, data sets, training loops; all without network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from whichgpu.capturing.pytorch_scripts.hub import (
    accelerator,
    adapters,
    models,
    processors,
    rows,
    tokenizers,
    trainer,
    tuning,
)

CHANGES: Final[Mapping[str, Callable[[Any], None]]] = {
    **models.CHANGES,
    **tokenizers.CHANGES,
    **processors.CHANGES,
    **trainer.CHANGES,
}
"""What is changed in transformers once a module of it is loaded."""

PARTS: Final[Mapping[str, Callable[[], Mapping[str, Any]]]] = {
    **accelerator.parts(),
    "datasets": rows.module,
    "peft": adapters.peft,
    "trl": tuning.trl,
}
"""Modules that have a stand-in whether or not they are installed: theirs would ask the network or start processes."""

ROOTS: Final = frozenset(name.partition(".")[0] for name in PARTS) | {"evaluate"}
