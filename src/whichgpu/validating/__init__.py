"""Measured against predicted: how far off the predictions are, on any folder of published measurements."""

from whichgpu.validating.validate import Validation, validate

__all__ = ["Validation", "validate"]
