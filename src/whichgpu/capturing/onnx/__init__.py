"""ONNX files: an own reader over onnx's messages, without weights, without running anything."""

from whichgpu.capturing.onnx.reading import read

__all__ = ["read"]
