"""Files of PyTorch's ``torch.save``: pickled objects that run code when they are read, or weights without a model."""

from __future__ import annotations

from pathlib import Path

from whichgpu.capturing.request import CaptureRequest
from whichgpu.errors import SourceNotFound, SourceUnreadable
from whichgpu.workload import Workload


def read(source: str, request: CaptureRequest) -> Workload:
    """Raises SourceUnreadable: nothing of such a file is read, and no code in it is run."""
    if not Path(source).exists():
        raise SourceNotFound("there is no file {source}", source=source, hint="check its name and folder")
    raise SourceUnreadable(
        "{source} holds pickled objects or weights alone, which are not run",
        source=source,
        hint="give file.py:function for a function that returns the model, or the folder of its configuration",
    )
