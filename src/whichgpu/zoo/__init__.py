"""Built-in workloads: captured once, shipped as compressed graphs, loaded without any framework."""

from whichgpu.zoo.entries import CATEGORIES, KINDS, Entry, entries, entry, names, search
from whichgpu.zoo.loading import graph, has, load, phases, reference_workloads, requested, workload

__all__ = [
    "CATEGORIES",
    "KINDS",
    "Entry",
    "entries",
    "entry",
    "graph",
    "has",
    "load",
    "names",
    "phases",
    "reference_workloads",
    "requested",
    "search",
    "workload",
]
