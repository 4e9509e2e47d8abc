"""What may be left to the host, and for which work."""

from __future__ import annotations

from whichgpu.errors import InvalidValue
from whichgpu.offload import Offload
from whichgpu.workload import Workload


def check_offload(workload: Workload, offload: Offload) -> None:
    """Raise InvalidValue where a part belongs to another phase: only training has an optimizer.

    A training step reads every weight twice and changes it; leaving weights or layers to the host is of inference.
    """
    trains = workload.phase == "train"
    if trains == (offload.part == "optimizer"):
        return
    raise InvalidValue(
        "--offload {part} is of {proper}, and {name} is asked for {phase}",
        part=offload.part,
        proper="infer, generate" if trains else "train",
        name=workload.name,
        phase=workload.phase,
        field="offload",
        hint="--offload optimizer is of training, weights and layers are of inference",
    )
