"""What shapes do to a chip's operators beyond the kernel model: factors that measurements of the chip have shown.

A library chooses among hundreds of kernels by rules of its own for each chip and shape. The kernel model has no such
rule; what it leaves of measured over predicted seconds is a smooth function of the sizes (``shape_terms``), fitted for
each chip, class of operators and stack. A chip that nobody measured takes a share of its relatives' mean, for those
classes alone where that was seen to help chips that were left out.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.costing import Resolution
from whichgpu.costing.table import CostTable
from whichgpu.predicting.shape_terms import TERMS, Group, groups
from whichgpu.stack import stacks

Floats = NDArray[np.float64]
Vectors = Mapping[str, Mapping[str, Mapping[str, Floats]]]
"""Weights of the terms by chip, class of operators and stack."""

_UNIT: Final = 1000.0
"""Weights are stored as whole thousandths of a natural logarithm."""


@dataclass(frozen=True, kw_only=True)
class ShapeEffects:
    """The fitted weights, and the share of relatives' that a chip without any takes, by class and stack.

    ``branches`` says which chips are related at all.
    """

    vectors: Vectors = field(default_factory=dict)
    transfer: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    branches: Mapping[str, str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    _found: dict[tuple[str, str, str, str], Floats | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _known: dict[str, frozenset[str]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def vector(self, chip: str, branch: str, name: str, stack: str) -> Floats | None:
        """Weights of a class's terms on a chip under a stack; None where nothing is known."""
        key = (chip, branch, name, stack)
        if key not in self._found:
            own = self.own(chip, name, stack)
            self._found[key] = self._of_relatives(chip, branch, name, stack) if own is None else own
        return self._found[key]

    def known(self, stack: str) -> frozenset[str]:
        """The classes of which any chip shows something under a stack or its framework."""
        if stack not in self._known:
            framework = frameworks()[stack]
            self._known[stack] = frozenset(
                name
                for by_class in self.vectors.values()
                for name, by_stack in by_class.items()
                if any(frameworks()[other] == framework for other in by_stack)
            )
        return self._known[stack]

    def own(self, chip: str, name: str, stack: str) -> Floats | None:
        """Weights that a chip's own measurements show: under the stack, or else under others of its framework."""
        if chip in self.left_out:
            return None
        by_stack = self.vectors.get(chip, {}).get(name, {})
        if stack in by_stack:
            return by_stack[stack]
        framework = frameworks()[stack]
        return _mean(vector for other, vector in by_stack.items() if frameworks()[other] == framework)

    def _of_relatives(self, chip: str, branch: str, name: str, stack: str) -> Floats | None:
        share = self.transfer.get(name, {}).get(stack, 0.0)
        if not share:
            return None
        others = (other for other in self.vectors if other != chip and self.branches[other] == branch)
        found = [vector for other in others if (vector := self.own(other, name, stack)) is not None]
        return share * mean if (mean := _mean(found)) is not None else None


def _mean(vectors: Iterable[Floats]) -> Floats | None:
    found = list(vectors)
    return np.mean(np.stack(found), axis=0) if found else None


@functools.cache
def frameworks() -> Mapping[str, str]:
    """The framework of every stack: its operators call the same libraries."""
    return {name: one.framework for name, one in stacks().items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What chooses a GPU's effects: its chip, its branch of relatives, and the arithmetic of its products."""

    chip: str
    branch: str
    resolution: Resolution


def factors(table: CostTable, devices: Sequence[Device], effects: ShapeEffects, stack: str) -> Floats | None:
    """What the device's time of every operator is multiplied by, [operators, gpus]; None where nothing is known."""
    if not effects.vectors:
        return None
    logs: Floats | None = None
    for group in groups(table):
        columns, weights = _weights(group, devices, effects, stack)
        if not columns:
            continue
        logs = np.zeros((len(table), len(devices))) if logs is None else logs
        logs[np.ix_(group.rows, np.array(columns))] = TERMS[group.kind].of(table, group.rows) @ np.stack(
            weights, axis=1
        )
    return None if logs is None else np.exp(logs)


def _weights(
    group: Group, devices: Sequence[Device], effects: ShapeEffects, stack: str
) -> tuple[list[int], list[Floats]]:
    columns: list[int] = []
    weights: list[Floats] = []
    known = effects.known(stack)
    if group.kind not in _PRODUCTS and group.name not in known:
        return columns, weights
    for column, device in enumerate(devices):
        name = class_name(group, device.resolution)
        vector = effects.vector(device.chip, device.branch, name, stack) if name in known else None
        if vector is not None:
            columns.append(column)
            weights.append(vector)
    return columns, weights


def class_name(group: Group, resolution: Resolution) -> str:
    """The class of a group's operators on a GPU: products also by their arithmetic."""
    if group.kind not in _PRODUCTS:
        return group.name
    used = resolution.in_full_precision() if group.full and resolution.mixed else resolution
    return f"{group.name}, {used.conv if group.kind == 'conv' else used.matmul}"


_PRODUCTS: Final = frozenset({"gemm", "conv", "attention", "rnn"})


def read_vectors(document: Mapping[str, Any]) -> dict[str, dict[str, dict[str, Floats]]]:
    """The weights of a fitted document; raises KeyError, TypeError, AttributeError or ValueError for a damaged one."""
    return {
        chip: {
            name: {stack: _read(text, name, stack) for stack, text in by_stack.items()}
            for name, by_stack in by_class.items()
        }
        for chip, by_class in document.items()
    }


def _read(text: str, name: str, stack: str) -> Floats:
    if stack not in frameworks():
        raise ValueError(f"there is no stack {stack!r}")
    vector = np.array(text.split(), dtype=np.float64) / _UNIT
    if len(vector) != TERMS[name.partition(",")[0]].width or not np.isfinite(vector).all():
        raise ValueError(f"the weights of {name!r} do not fit its terms")
    return vector


def written_vectors(vectors: Vectors) -> dict[str, dict[str, dict[str, str]]]:
    """The weights as a fitted document holds them: whole thousandths, a line a vector."""
    return {
        chip: {
            name: {
                stack: " ".join(str(round(value * _UNIT)) for value in vector.tolist())
                for stack, vector in sorted(by_stack.items())
            }
            for name, by_stack in sorted(by_class.items())
        }
        for chip, by_class in sorted(vectors.items())
    }
