"""Saved Keras models: configuration only, in safe mode, whatever the file format."""

from whichgpu.capturing.keras_files.configuration import load_config

__all__ = ["load_config"]
