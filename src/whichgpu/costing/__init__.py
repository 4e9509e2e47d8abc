"""Operators into costs: one rule a kind, one table a workload."""

from whichgpu.costing import movement, products, recurrence  # noqa: F401  (they register their rules)
from whichgpu.costing.arithmetic import Arithmetic, Resolution, Substitute, resolve
from whichgpu.costing.cost import Cost, Product, Traffic
from whichgpu.costing.table import CostTable, cost_table, cost_tables, coverage, kernels, unknown
from whichgpu.costing.uncovered import told

__all__ = [
    "Arithmetic",
    "Cost",
    "CostTable",
    "Product",
    "Resolution",
    "Substitute",
    "Traffic",
    "cost_table",
    "cost_tables",
    "coverage",
    "kernels",
    "resolve",
    "told",
    "unknown",
]
