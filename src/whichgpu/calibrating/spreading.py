"""Residuals into the 80 % factors of ``spread.json``: quantiles by class, each shrunk towards the class around it.

Split conformal prediction (Vovk 2005; Lei 2018) within classes (Mondrian: Vovk 2005, chapter 4): a factor is the
quantile of absolute log errors of what no fit saw, each operator of each board weighing the same. A class that few
chips show says little, so its logarithm is a mean with its parent's, which counts as ``PARENT_CHIPS`` chips (the form
of an empirical Bayes estimate; Efron and Morris 1975). A chip's own rows never go into the factors around its own
predictions, so every chip has a set without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.calibrating.leaving_out import Residuals
from whichgpu.catalog import default_catalog
from whichgpu.estimate import Evidence
from whichgpu.predicting.alike import lineage
from whichgpu.predicting.uncertainty import VERSION, Spread

Floats = NDArray[np.float64]

PARENT_CHIPS: Final = 2.0
"""Chips that a parent's factor counts as beside those of a class; 1 and 3 give no coverage that is nearer."""

LEAST_CHIPS: Final = 2
"""Chips that must show a class before it has a factor of its own."""


def spread_document(left: Sequence[Residuals], held: Sequence[Residuals], confidence: float) -> dict[str, Any]:
    """``spread.json``: factors by evidence and class, and what differs for a chip whose own rows are left out."""
    tables = {Evidence.SPEC_ONLY: _Table.of(left, confidence), Evidence.CALIBRATED: _Table.of(held, confidence)}
    whole = {evidence: table.spread(None) for evidence, table in tables.items()}
    chips = sorted({chip for table in tables.values() for chip in table.chips.tolist()})
    return {
        "version": VERSION,
        "confidence": confidence,
        "rows": len(tables[Evidence.SPEC_ONLY].sizes),
        **{str(evidence): _document(spread) for evidence, spread in whole.items()},
        "without": {
            chip: {str(evidence): _changed(whole[evidence], table.spread(chip)) for evidence, table in tables.items()}
            for chip in chips
        },
    }


def _document(spread: Spread) -> dict[str, Any]:
    return {"related": spread.related, "unrelated": spread.unrelated, "factors": dict(sorted(spread.factors.items()))}


def _changed(whole: Spread, spread: Spread) -> dict[str, Any]:
    """What a chip's spread has other than the whole's."""
    factors = {name: value for name, value in sorted(spread.factors.items()) if value != whole.factors[name]}
    return {"related": spread.related, "unrelated": spread.unrelated, "factors": factors}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """Absolute log errors of GPUs in ascending order, [rows], with their weights, chips and classes."""

    sizes: Floats
    weights: Floats
    chips: NDArray[np.str_]
    related: NDArray[np.bool_]
    classes: NDArray[np.str_]
    confidence: float
    members: Mapping[str, NDArray[np.int64]]

    @staticmethod
    def of(found: Sequence[Residuals], confidence: float) -> _Table:
        """The residuals of GPUs; processors have an error of their own."""
        gpus = [each for each in found if not default_catalog().get(each.gpu).is_cpu]
        sizes = np.abs(np.concatenate([each.errors for each in gpus]))
        order = np.argsort(sizes, kind="stable")
        counts = [len(each.errors) for each in gpus]
        classes = np.concatenate([each.classes for each in gpus])[order]
        return _Table(
            sizes=sizes[order],
            weights=np.concatenate([np.full(count, 1.0 / count) for count in counts])[order],
            chips=np.repeat(np.array([each.chip for each in gpus]), counts)[order],
            related=np.repeat(np.array([each.related for each in gpus]), counts)[order],
            classes=classes,
            confidence=confidence,
            members=_members(classes),
        )

    def spread(self, without: str | None) -> Spread:
        """The factors of every class that enough chips show, from all chips but this one."""
        kept = np.ones(len(self.sizes), dtype=bool) if without is None else self.chips != without
        log: dict[str, float] = {}
        for name, rows in self.members.items():
            mine = rows[kept[rows]]
            parent = log.get(name.rpartition("/")[0])
            chips = len(np.unique(self.chips[mine]))
            if parent is None:
                log[name] = self._quantile(self.sizes[mine], self.weights[mine])
            elif chips < LEAST_CHIPS:
                log[name] = parent
            else:
                own = self._quantile(self.sizes[mine], self.weights[mine])
                log[name] = (chips * own + PARENT_CHIPS * parent) / (chips + PARENT_CHIPS)
        shown = {name: value for name, value in log.items() if self._shown(name)}
        factors = {name: float(f"{float(np.exp(value)):.3g}") for name, value in shown.items()}
        related = self._share(kept & self.related, log)
        return Spread(factors=factors, related=related, unrelated=max(related, self._share(kept & ~self.related, log)))

    def _shown(self, name: str) -> bool:
        return "/" not in name or len(np.unique(self.chips[self.members[name]])) >= LEAST_CHIPS

    def _share(self, chosen: NDArray[np.bool_], log: Mapping[str, float]) -> float:
        """What the log factors of the chosen rows must be multiplied with; one where there are no rows."""
        rows = np.flatnonzero(chosen)
        if not len(rows):
            return 1.0
        names, which = np.unique(self.classes[rows], return_inverse=True)
        shares = self.sizes[rows] / np.array([log[str(name)] for name in names])[which]
        order = np.argsort(shares, kind="stable")
        return float(f"{self._quantile(shares[order], self.weights[rows][order]):.3g}")

    def _quantile(self, ascending: Floats, weights: Floats) -> float:
        share = np.cumsum(weights) / weights.sum()
        return float(ascending[min(int(np.searchsorted(share, self.confidence)), len(ascending) - 1)])


def _members(classes: NDArray[np.str_]) -> dict[str, NDArray[np.int64]]:
    """The rows of every class and of all that it belongs to, parents before what is in them."""
    names, which = np.unique(classes, return_inverse=True)
    found: dict[str, list[int]] = {}
    for index, name in enumerate(names.tolist()):
        for each in lineage(name):
            found.setdefault(each, []).append(index)
    return {name: np.flatnonzero(np.isin(which, found[name])) for name in sorted(found)}
