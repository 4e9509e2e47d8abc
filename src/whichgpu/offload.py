"""What stays in the host's memory instead of the GPU's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from whichgpu.errors import InvalidValue, nearest

OFFLOADS: Final = ("optimizer", "weights", "layers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offload:
    """A part of the work that the host's memory holds.

    ``optimizer``: the states and the update, gradients being handed over as they are made (Ren et al. 2021,
    ZeRO-Offload; torchao's CPUOffloadOptimizer). ``weights``: a share of the weights, brought over whenever a pass
    needs them (accelerate's offload). ``layers``: a share of the layers, which the processor computes (llama.cpp).
    """

    part: str
    share: float = 1.0

    def __str__(self) -> str:
        """The part as it is asked for: ``weights:0.25``."""
        return self.part if self.share == 1.0 else f"{self.part}:{self.share:g}"

    @classmethod
    def named(cls, text: str) -> Offload:
        """The inverse of ``str``; raises InvalidValue for an unknown part, or a share that is none."""
        part, colon, share = text.partition(":")
        if part not in OFFLOADS:
            raise InvalidValue(
                "{part!r} cannot be left to the host",
                part=part,
                field="offload",
                hint="did you mean {close}? Parts: {known}",
                close=nearest(part, OFFLOADS) or OFFLOADS[0],
                known=", ".join(OFFLOADS),
            )
        try:
            found = float(share) if colon else 1.0
        except ValueError:
            found = math.nan
        if not 0.0 < found <= 1.0 or (part == "optimizer" and found < 1.0):
            raise InvalidValue(
                "{share!r} is no share of what is left to the host",
                share=share,
                field="offload",
                hint="write optimizer, weights:0.5 or layers:0.5",
            )
        return cls(part=part, share=found)
