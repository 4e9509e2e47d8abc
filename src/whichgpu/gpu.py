"""A GPU: one buyable variant, every figure with its source. Unknown is absent, never zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from whichgpu.errors import MissingFigure

FORMS: Final = ("card", "laptop", "module", "superchip", "integrated", "edge", "cloud", "system", "cpu")
"""card: a PCIe board a person can plug in. laptop: soldered in a notebook. module: SXM, OAM, MXM or the like.
superchip: CPU and GPU on one board. integrated: part of a desktop or notebook processor. edge: Jetson and kin.
cloud: only ever rented. system: sold only as a whole computer (a Mac, a DGX Spark). cpu: a baseline, no candidate."""

MARKETS: Final = ("consumer", "workstation", "datacenter", "mobile", "edge", "cloud")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of a data sheet in SI, as it was quoted and where."""

    value: float | str
    unit: str
    quoted: str
    source: str
    derived: bool = False
    checked: bool = True

    @property
    def number(self) -> float:
        """The value as a number; a figure that is text raises MissingFigure."""
        if isinstance(self.value, str):
            raise MissingFigure("{quoted!r} is text, not a number", quoted=self.quoted)
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One buyable variant (``rtx-3080-10gb``), predicted as one device.

    ``devices`` is how many devices the board shows itself as (MI250X: 2); ``figures`` are those of one
    device, ``board_figures`` those of the whole board where they differ.
    """

    id: str
    name: str
    vendor: str
    architecture: str
    chip: str
    form: str
    market: str
    release_date: str
    figures: Mapping[str, Figure]
    aliases: tuple[str, ...] = ()
    assumed_aliases: tuple[str, ...] = ()
    devices: int = 1
    board_figures: Mapping[str, Figure] = field(default_factory=dict)
    sold_new: bool = False
    note: str = ""

    def figure(self, name: str) -> float:
        """The number called ``name`` in SI; raises MissingFigure where the catalogue does not know it."""
        found = self.figures.get(name)
        if found is None:
            raise MissingFigure("the catalogue has no {name} for {gpu}", name=name, gpu=self.id, field=name)
        return found.number

    def get(self, name: str) -> float | None:
        """The number called ``name``, or None where it is unknown."""
        found = self.figures.get(name)
        return None if found is None else found.number

    def text(self, name: str) -> str | None:
        """The text figure called ``name`` (memory type, cooling …), or None where it is unknown."""
        found = self.figures.get(name)
        return None if found is None else str(found.value)

    @property
    def is_cpu(self) -> bool:
        """Whether this entry is a processor kept as a baseline."""
        return self.form == "cpu"

    def summary(self) -> dict[str, Any]:
        """The entry as a row of the document ``whichgpu/gpus/1``."""
        row: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "vendor": self.vendor,
            "architecture": self.architecture,
            "chip": self.chip,
            "form": self.form,
            "market": self.market,
            "release_date": self.release_date,
            "sold_new": self.sold_new,
            "devices": self.devices,
        }
        row.update({name: figure.value for name, figure in self.figures.items()})
        return row
