"""What ``fit`` gives back: curves of the right names and lengths, so that code that plots them goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Curves(dict[str, list[float]]):
    """One value an epoch by the name of a metric; a name that was not foreseen has a curve too."""

    def __init__(self, names: list[str], epochs: int) -> None:
        super().__init__({name: _curve(epochs) for name in names})
        self._epochs = epochs

    def __missing__(self, name: str) -> list[float]:
        return _curve(self._epochs)


def _curve(epochs: int) -> list[float]:
    return [1.0 / (epoch + 2) for epoch in range(epochs)]


class History:
    """Stands for ``keras.callbacks.History``."""

    def __init__(self, model: Any, epochs: int, metrics: list[str], *, validated: bool) -> None:
        names = ["loss", *metrics]
        names += [f"val_{name}" for name in names] if validated else []
        self.model = model
        self.history = Curves(names, epochs)
        self.epoch = list(range(epochs))
        self.params: Mapping[str, Any] = {"epochs": epochs, "verbose": 0, "steps": None}


def metric_names(metrics: Any) -> list[str]:
    """The names under which compiled metrics appear, of whatever structure they were given in."""
    if metrics is None:
        return []
    if isinstance(metrics, Mapping):
        return [name for part in metrics.values() for name in metric_names(part)]
    if isinstance(metrics, list | tuple):
        return [name for part in metrics for name in metric_names(part)]
    if isinstance(metrics, str):
        return [metrics]
    return [str(getattr(metrics, "name", None) or getattr(metrics, "__name__", "metric"))]
