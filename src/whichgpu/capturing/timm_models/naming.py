"""Names of timm's networks: ``timm-resnet50``, ``timm-resnet50-320px``, ``timm/resnet50.a1_in1k``."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from whichgpu.capturing.input_shapes import input_shape
from whichgpu.errors import InvalidValue

Shape = tuple[int, int, int]
"""Channels, height and width of a picture."""

LARGEST_SIDE: Final = 16_384
"""Pixels of a side, four times an 8K camera's height; beyond it a typing error is likelier than a picture."""

MOST_CHANNELS: Final = 1024
"""Channels of a picture: four times the bands of a hyperspectral camera."""

COLOURS: Final = 3

_NAMED: Final = re.compile(r"timm[-/](?P<model>[A-Za-z0-9_]+)(?:\.\w+)?(?:-(?P<sizes>[0-9]+(?:x[0-9]+){0,2})px)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A network of timm with the shape of its pictures; None where it is the network's own."""

    model: str
    shape: Shape | None = None

    @property
    def name(self) -> str:
        """The name that says both."""
        return f"timm-{self.model}" if self.shape is None else f"timm-{self.model}-{_written(self.shape)}px"


def is_named(source: str) -> bool:
    """Whether the source is written as a network of timm's."""
    return _NAMED.fullmatch(source) is not None


def named(source: str, input_shapes: Sequence[str] = ()) -> Named:
    """The network that ``source`` names, at the shape in its name or of ``--input-shape``; raises InvalidValue."""
    found = _NAMED.fullmatch(source)
    assert found is not None
    in_name = None if found["sizes"] is None else _of_name(source, [int(size) for size in found["sizes"].split("x")])
    made = Named(model=found["model"], shape=in_name)
    if not input_shapes:
        return made
    asked = _of_option(input_shapes)
    if in_name not in (None, asked):
        raise InvalidValue(
            "{name} and --input-shape {text} are two sizes of pictures",
            name=source,
            text="x".join(map(str, asked)),
            field="input-shape",
            hint="leave one of them out",
        )
    return dataclasses.replace(made, shape=asked)


def _of_name(source: str, sizes: Sequence[int]) -> Shape:
    """One size is a square's side, two are height and width, three have the channels in front."""
    channels, height, width = (COLOURS, sizes[0], sizes[0]) if len(sizes) == 1 else (COLOURS, *sizes)[-3:]
    return _checked((channels, height, width), source, "source")


def _of_option(texts: Sequence[str]) -> Shape:
    text = " ".join(texts)
    made = input_shape(texts[0])
    if len(texts) != 1 or len(made.shape) != 3 or made.dtype != "float32":
        raise InvalidValue(
            "--input-shape is {text!r}, but a network of timm takes one picture: channels, height, width",
            text=text,
            field="input-shape",
            hint="write --input-shape 3x320x320",
        )
    channels, height, width = made.shape
    return _checked((channels, height, width), text, "input-shape")


def _checked(shape: Shape, text: str, field: str) -> Shape:
    if not (1 <= shape[0] <= MOST_CHANNELS and all(1 <= side <= LARGEST_SIDE for side in shape[1:])):
        raise InvalidValue(
            "{text!r} is no size of pictures: a side has 1 to {largest} pixels, and there are 1 to {most} channels",
            text=text,
            largest=LARGEST_SIDE,
            most=MOST_CHANNELS,
            field=field,
        )
    return shape


def _written(shape: Shape) -> str:
    """The shape as short as it can be read again: ``320``, ``320x256``, ``1x28x28``."""
    channels, height, width = shape
    if channels != COLOURS:
        return f"{channels}x{height}x{width}"
    return f"{height}" if height == width else f"{height}x{width}"
