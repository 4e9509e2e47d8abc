"""What a request changes whatever the source: adapters, frozen parts, recomputation, accumulation, steps."""

from whichgpu.capturing.transforming.transform import transformed

__all__ = ["transformed"]
