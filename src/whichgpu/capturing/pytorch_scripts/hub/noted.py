"""What stand-ins of Hugging Face's libraries learn while a script runs, for its workload and its assumptions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from whichgpu.workload import Assumption


@dataclass(slots=True)
class Noted:
    """Models built from known configurations, data sets of published sizes, whether texts were read whose length nobody
    decides; and what the script asks of training in words instead of operators."""

    models: set[str] = field(default_factory=set)
    data_sets: set[str] = field(default_factory=set)
    free_texts: bool = False
    checkpointing: bool = False
    weight_precision: str | None = None
    epochs: int | None = None
    adapters: tuple[int, tuple[str, ...]] | None = None

    def assumptions(self) -> Iterator[Assumption]:
        """What is told of models and data."""
        if self.data_sets:
            yield Assumption(code="public_data_assumed", values={"names": sorted(self.data_sets)})
        if self.models:
            yield Assumption(code="models_by_configuration", values={"models": sorted(self.models)})


NOTED = Noted()
"""Those of this process, which follows one script."""
