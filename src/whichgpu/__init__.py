"""Which GPU should I choose for my AI workload? Ranked, explained, offline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from whichgpu.api import Answer
    from whichgpu.capturing.request import CaptureRequest
    from whichgpu.estimate import Estimate
    from whichgpu.workload import Workload

__all__ = ["capture", "predict", "recommend"]


def capture(
    source: Any, inputs: Any = None, *, train: bool = False, request: CaptureRequest | None = None, **keys: Any
) -> Workload:
    """The workload of a source, or of a PyTorch module of this process with its example ``inputs``.

    A source is all that the command line takes: a script, a file, a configuration, ``file.py:function``, a name of the
    zoo; ``keys`` are the workload's options (``phase="train"``, ``batch_size=64``). A module is not changed, and
    nothing is computed; ``keys`` may hold its ``loss``, ``targets`` and ``optimizer`` (docs/capture-pytorch.md).
    Raises a WhichGpuError that says what is wrong.
    """
    if inputs is None:
        from whichgpu.api import capture as read

        return read(source, request, **({"phase": "train"} if train else {}), **keys)
    from whichgpu.capturing.pytorch import capture as follow

    return follow(source, inputs, train=train, request=request, **keys)


def recommend(source: Any = None, *, requirements: Mapping[str, Any] | str | Path | None = None, **keys: Any) -> Answer:
    """Which GPU for this source: ``whichgpu.recommend("bert-base", phase="train", budget="1500usd")``.

    ``keys`` are those of a requirements file (docs/requirements.md) by their last name. Raises a WhichGpuError that
    says what is wrong.
    """
    from whichgpu.api import recommend as asked

    return asked(source, requirements=requirements, **keys)


def predict(source: Any, gpus: Sequence[str] = (), **keys: Any) -> dict[str, Estimate]:
    """Time, memory, power and energy of a source on these GPUs (all where none is named), by GPU id."""
    from whichgpu.api import predict as asked

    return asked(source, gpus, **keys)
