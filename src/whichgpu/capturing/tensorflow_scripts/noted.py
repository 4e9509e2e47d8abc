"""What a script does with TensorFlow: the step that is traced, and what is known of its data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Traced = Callable[[int], tuple[Any, list[Any]]]
"""The concrete function of a step at a batch size, and the gradients that it computes."""


class Enough(SystemExit):
    """The step is known: the rest of the script is not run."""


@dataclass(slots=True)
class Found:
    """A step that can be traced at a batch size: whether it trains, its models and optimizer, its data."""

    traced: Traced
    batch_size: int
    optimizer: Any
    train: bool = True
    samples: int | None = None
    epochs: int | None = None


@dataclass(slots=True)
class Noted:
    """The step that is meant, and the gradients that an optimizer was given while a function was traced."""

    found: Found | None = None
    applied: list[Any] = field(default_factory=list)
    optimizer: Any = None
    data_sets: set[str] = field(default_factory=set)
    rows: dict[int, int] = field(default_factory=dict)


NOTED = Noted()
"""Those of this process, which follows one script."""
