"""Which GPU should I choose for my AI workload? Ranked, explained, offline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whichgpu.capturing.request import CaptureRequest
    from whichgpu.workload import Workload

__all__ = ["capture"]


def capture(
    source: Any, inputs: Any = None, *, train: bool = False, request: CaptureRequest | None = None, **training: Any
) -> Workload:
    """The workload of a source, or of a PyTorch module of this process with its example ``inputs``.

    A source is all that the command line takes: a script, a file, a configuration, ``file.py:function``. A module is
    not changed, and nothing is computed; ``training`` may hold its ``loss``, ``targets`` and ``optimizer``
    (docs/capture-pytorch.md). Raises a SourceError that says what is wrong.
    """
    if inputs is None:
        from whichgpu.capturing.reading import capture as read

        return read(str(source), request)
    from whichgpu.capturing.pytorch import capture as follow

    return follow(source, inputs, train=train, request=request, **training)
