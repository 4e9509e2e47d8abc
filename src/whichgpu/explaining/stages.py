"""What is being done while people wait, as they read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from whichgpu.explaining import N_

STAGES: Final[Mapping[str, str]] = {
    "waiting": N_("Waiting for a free place …"),
    "reading": N_("The file is being read …"),
    "loading": N_("The framework is being loaded …"),
    "building": N_("The model is being built …"),
    "tracing": N_("The model's operators are being followed …"),
    "ranking": N_("The GPUs are being ranked …"),
}
"""By stage, in their order."""
