"""Built-in workloads: captured once, shipped as compressed graphs, loaded without any framework."""

from whichgpu.zoo.entries import CATEGORIES, KINDS, Entry, entries, entry, names, search
from whichgpu.zoo.loading import graph, has, load, phases, requested, workload
from whichgpu.zoo.references import REFERENCES, reference_workloads

__all__ = [
    "CATEGORIES",
    "KINDS",
    "REFERENCES",
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
