"""Operators without a rule of cost, said of the workload that has them: what is not counted is named."""

from __future__ import annotations

import dataclasses

from whichgpu.costing.table import cost_tables, unknown
from whichgpu.graph import Kind
from whichgpu.workload import Assumption, Workload


def told(workload: Workload) -> Workload:
    """The workload with a word on its operators that have no rule, and the share of the traffic that they move."""
    stages = workload.parts()
    if not any(operator.kind is Kind.UNKNOWN for stage in stages for operator in stage.graph.operators):
        return workload
    tables = cost_tables(workload, allow_uncovered=True)
    shares = unknown(tables, [stage.repetitions for stage in stages])
    values = {
        "operators": [name for name, _share in shares],
        "uncounted_fraction": sum(share for _name, share in shares),
    }
    said = Assumption(code="uncosted_operators", values=values)
    return dataclasses.replace(workload, assumptions=(*workload.assumptions, said))
