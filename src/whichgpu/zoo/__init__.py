"""Built-in workloads: captured once, shipped as compressed graphs, loaded without any framework."""

from whichgpu.zoo.entries import CATEGORIES, KINDS, Entry, entries, entry, names
from whichgpu.zoo.loading import graph, load, reference_workloads, requested, workload

__all__ = [
    "CATEGORIES",
    "KINDS",
    "Entry",
    "entries",
    "entry",
    "graph",
    "load",
    "names",
    "reference_workloads",
    "requested",
    "workload",
]
