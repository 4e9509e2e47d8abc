"""Built-in workloads: captured once, shipped as compressed graphs, loaded without any framework."""

from whichgpu.zoo.loading import load, names, reference_workloads

__all__ = ["load", "names", "reference_workloads"]
