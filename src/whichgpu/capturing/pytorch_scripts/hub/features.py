"""What the columns of a data set are, and a value of each: texts, classes, numbers, images, sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from whichgpu.capturing.pytorch_scripts.hub.data_sets import Published
from whichgpu.capturing.pytorch_scripts.pictures import picture

RATE: Final = 16_000
SECONDS: Final = 10
"""Sound of which nobody says how long it is."""


@dataclass(slots=True)
class Value:
    """A column of one type."""

    dtype: str = "string"
    id: Any = None


@dataclass(slots=True)
class ClassLabel:
    """A column of classes, by number."""

    num_classes: int | None = None
    names: list[str] = field(default_factory=list)
    names_file: Any = None

    def __post_init__(self) -> None:
        self.names = list(self.names) or [str(number) for number in range(self.num_classes or 0)]
        self.num_classes = len(self.names)

    def str2int(self, values: Any) -> Any:
        """Numbers of classes by name."""
        return [self.names.index(each) for each in values] if isinstance(values, list) else self.names.index(values)

    def int2str(self, values: Any) -> Any:
        """Names of classes by number."""
        return [self.names[int(each)] for each in values] if isinstance(values, list) else self.names[int(values)]


class Sequence:
    """A column of lists."""

    def __init__(self, feature: Any = None, length: int = -1, id: Any = None) -> None:
        self.feature, self.length = feature, length


class Image:
    """A column of images."""

    def __init__(self, *arguments: Any, **options: Any) -> None: ...


class Audio:
    """A column of sound."""

    def __init__(self, sampling_rate: int = RATE, *arguments: Any, **options: Any) -> None:
        self.sampling_rate = sampling_rate


class Features(dict[str, Any]):
    """Columns by name."""


def features(known: Published) -> Features:
    """The columns of a data set."""
    return Features({name: _feature(spec) for name, spec in known.columns.items()})


def row(known: Published) -> dict[str, Any]:
    """A row of a data set."""
    return {name: _value(spec, known.pixels) for name, spec in known.columns.items()}


def _feature(spec: Any) -> Any:
    if isinstance(spec, tuple):
        return ClassLabel(spec[0])
    if isinstance(spec, list):
        return Sequence(_feature(spec[0]))
    if isinstance(spec, Mapping):
        return {name: _feature(each) for name, each in spec.items()}
    kinds: dict[Any, Any] = {"image": Image(), "audio": Audio(), "float": Value("float32"), "id": Value("int32")}
    return kinds.get(spec) or Value("string")


def _value(spec: Any, pixels: tuple[int, int]) -> Any:
    if isinstance(spec, tuple) or spec == "id":
        return 0
    if isinstance(spec, list):
        return [_value(each, pixels) for each in spec]
    if isinstance(spec, Mapping):
        return {name: _value(each, pixels) for name, each in spec.items()}
    if spec == "image":
        return picture(*pixels, "L" if pixels == (28, 28) else "RGB")
    if spec == "audio":
        return {"array": np.zeros(RATE * SECONDS, "float32"), "sampling_rate": RATE, "path": "sound.wav"}
    return 0.5 if spec == "float" else " ".join(["word"] * int(spec))
