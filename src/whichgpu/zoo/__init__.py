"""Built-in workloads: captured once, shipped as compressed graphs, loaded without any framework."""

from whichgpu.zoo.loading import adjusted, load, names, reference_workloads

__all__ = ["adjusted", "load", "names", "reference_workloads"]
