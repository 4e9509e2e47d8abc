"""Reading a model into a Workload. The front door is light; frameworks are loaded behind it, where they are needed."""

from whichgpu.capturing.reading import Reader, capture, register
from whichgpu.capturing.request import CaptureRequest, Limits

__all__ = ["CaptureRequest", "Limits", "Reader", "capture", "register"]
