"""Scored rows of a validation as columns: measured, predicted and baselines, by what they can be grouped by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.catalog import Catalog
from whichgpu.gpu import Gpu
from whichgpu.measurements.meaning import CODE, SCORED, Meaning
from whichgpu.measurements.reading import Codes, Flags, Floats, Sheet, combine
from whichgpu.validating.decisions import comparable
from whichgpu.validating.forecast import Forecast
from whichgpu.validating.tiers import Tier

Texts = NDArray[np.object_]

LABELS: Final = (
    *("source", "level", "family", "phase", "precision", "metric"),
    *("gpu", "chip", "architecture", "vendor", "processor", "evidence"),
)
FIGURES: Final = ("measured", "predicted", "low", "high", "roofline", "flop_over_peak", "scaled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Scored rows: ``labels`` [rows] each, and ``figures`` in the published quantity's SI value, NaN where unknown.

    ``scaled`` is a time measured on other chips scaled by the data sheets' FP32 rates: the mean over the chips that
    ran the same work.
    """

    labels: dict[str, Texts]
    figures: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.figures["measured"])

    def where(self, chosen: Flags) -> Rows:
        """The chosen rows."""
        return Rows(
            labels={name: column[chosen] for name, column in self.labels.items()},
            figures={name: column[chosen] for name, column in self.figures.items()},
        )

    def matching(self, **wanted: Any) -> Rows:
        """The rows whose labels are as wanted; a tuple allows several."""
        chosen = np.ones(len(self), dtype=bool)
        for name, value in wanted.items():
            allowed = value if isinstance(value, tuple) else (value,)
            chosen &= np.isin(self.labels[name], allowed)
        return self.where(chosen)

    def errors(self, figure: str = "predicted") -> Floats:
        """Signed relative errors of a figure, [rows]."""
        measured = self.figures["measured"]
        found: Floats = (self.figures[figure] - measured) / measured
        return found

    def over_gpus(self, values: Floats) -> float | None:
        """The mean over GPUs of each GPU's mean, of the rows where there is a value."""
        known = np.isfinite(values)
        if not known.any():
            return None
        names, index = np.unique(self.labels["gpu"][known].astype(str), return_inverse=True)
        means = np.bincount(index, weights=values[known]) / np.bincount(index)
        return float(means.mean()) if len(names) else None

    def by(self, *labels: str) -> list[tuple[tuple[str, ...], Rows]]:
        """The rows by the values of these labels, in their order."""
        texts = [self.labels[name].astype(str) for name in labels]
        codes = [np.unique(column, return_inverse=True) for column in texts]
        if not len(self):
            return []
        group, first = combine([code.astype(np.int64) for _, code in codes])
        keys = [tuple(str(column[row]) for column in texts) for row in first.tolist()]
        order = sorted(range(len(keys)), key=lambda number: keys[number])
        return [(keys[number], self.where(group == number)) for number in order]


@dataclass(slots=True, kw_only=True)
class Recorder:
    """Collects the scored rows of every sheet that a validation shows it."""

    catalog: Catalog
    tier: Tier
    kept: Callable[[str], bool] = field(default=lambda source: True)
    parts: list[Rows] = field(default_factory=list)

    def __call__(self, sheet: Sheet, meaning: Meaning, forecast: Forecast) -> None:
        """Keep the scored rows of a sheet."""
        scored = (meaning.outcome == CODE[SCORED]) & forecast.made & (meaning.gpu >= 0)
        rows = np.flatnonzero(scored & sheet.matching("source", lambda name: self.kept(str(name))))
        if len(rows):
            self.parts.append(self._rows(sheet, meaning, forecast, rows))

    def rows(self) -> Rows:
        """Every row that was kept."""
        parts = self.parts or [_none()]
        return Rows(
            labels={name: np.concatenate([part.labels[name] for part in parts]) for name in LABELS},
            figures={name: np.concatenate([part.figures[name] for part in parts]) for name in FIGURES},
        )

    def _rows(self, sheet: Sheet, meaning: Meaning, forecast: Forecast, rows: Codes) -> Rows:
        gpus = [self.catalog.get(name) for name in meaning.gpus]
        labels = {name: _texts(sheet, name, rows) for name in ("source", "level", "phase", "metric")}
        operator = labels["level"] == "op"
        labels["family"] = np.where(operator, _texts(sheet, "model", rows), _texts(sheet, "family", rows))
        labels["precision"] = _picked([line.precision for line in meaning.lines], meaning.line[rows])
        for name, said in _GPU_LABELS.items():
            labels[name] = _picked([said(gpu) for gpu in gpus], meaning.gpu[rows])
        labels["evidence"] = _picked([self.tier.evidence(gpu) for gpu in gpus], meaning.gpu[rows])
        beside = forecast.baselines
        nothing = np.full(len(rows), np.nan)
        return Rows(
            labels=labels,
            figures={
                "measured": meaning.value[rows],
                "predicted": forecast.mid[rows],
                "low": forecast.low[rows],
                "high": forecast.high[rows],
                "roofline": nothing if beside is None else beside[0, rows],
                "flop_over_peak": nothing if beside is None else beside[1, rows],
                "scaled": scaled_by_fp32(sheet, meaning, forecast, gpus, rows),
            },
        )


_GPU_LABELS: Final[dict[str, Callable[[Gpu], str]]] = {
    "gpu": lambda gpu: gpu.id,
    "chip": lambda gpu: gpu.chip,
    "architecture": lambda gpu: gpu.architecture,
    "vendor": lambda gpu: gpu.vendor,
    "processor": lambda gpu: "cpu" if gpu.is_cpu else "gpu",
}


def _texts(sheet: Sheet, column: str, rows: Codes) -> Texts:
    return _picked([*(str(value) for value in sheet.values[column]), ""], sheet.codes[column][rows])


def _picked(texts: Sequence[str], index: Codes) -> Texts:
    table = np.empty(len(texts), dtype=object)
    table[:] = texts
    found: Texts = table[index]
    return found


def _none() -> Rows:
    return Rows(
        labels={name: np.zeros(0, dtype=object) for name in LABELS},
        figures={name: np.zeros(0) for name in FIGURES},
    )


def scaled_by_fp32(sheet: Sheet, meaning: Meaning, forecast: Forecast, gpus: Sequence[Gpu], rows: Codes) -> Floats:
    """The rows' figures from times measured on other chips times the ratio of FP32 rates, NaN where no other ran it.

    Of several other chips the geometric mean. Only for times and rates.
    """
    found = np.full(len(rows), np.nan)
    sign = np.select(
        [
            meaning.line_flags(lambda line: line.quantity == "latency" and line.scoring == "score")[rows],
            meaning.line_flags(lambda line: line.quantity == "throughput" and line.scoring == "score")[rows],
        ],
        [1.0, -1.0],
        default=0.0,
    )
    rate = np.array([gpu.get("fp32_flops_per_s") or np.nan for gpu in gpus])[meaning.gpu[rows]]
    able = np.flatnonzero((sign != 0.0) & np.isfinite(rate) & (forecast.workload[rows] >= 0))
    if not len(able):
        return found
    chips = np.unique([gpu.chip for gpu in gpus], return_inverse=True)[1][meaning.gpu[rows]]
    columns = comparable(sheet, meaning, forecast)
    group, _ = combine([column[rows[able]] for column in columns])
    # Seconds times the FP32 rate: what people hold to be the same on every board.
    work = sign[able] * np.log(meaning.value[rows[able]]) + np.log(rate[able])
    cell, first = combine([group, chips[able].astype(np.int64)])
    mean = np.bincount(cell, weights=work) / np.bincount(cell)
    total = np.bincount(group[first], weights=mean, minlength=group.max() + 1)
    others = np.bincount(group[first], minlength=group.max() + 1) - 1
    with np.errstate(invalid="ignore", divide="ignore"):
        theirs = (total[group] - mean[cell]) / others[group]
    found[able] = np.where(others[group] > 0, np.exp(sign[able] * (theirs - np.log(rate[able]))), np.nan)
    return found
