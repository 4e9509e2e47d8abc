"""Images that stand for those of a data set: Pillow's where it is installed, else a size and a mode."""

from __future__ import annotations

import importlib.util
from typing import Any, Final

import numpy as np

CHANNELS: Final = {"1": 1, "L": 1, "P": 1, "RGB": 3, "RGBA": 4, "F": 1, "I": 1}

PILLOW: Final = importlib.util.find_spec("PIL") is not None
"""Whether it is installed; asked before a stand-in can take its name."""


class Picture:
    """What a transform needs to know of an image."""

    def __init__(self, size: tuple[int, int], mode: str) -> None:
        self.size = size
        self.mode = mode

    @property
    def width(self) -> int:
        """Pixels of a row."""
        return self.size[0]

    @property
    def height(self) -> int:
        """Rows."""
        return self.size[1]

    def convert(self, mode: str) -> Picture:
        """The image in another mode."""
        return Picture(self.size, mode)

    def resize(self, size: tuple[int, int], *_: Any, **__: Any) -> Picture:
        """The image at another size (width, height)."""
        return Picture((int(size[0]), int(size[1])), self.mode)

    def crop(self, box: tuple[int, int, int, int]) -> Picture:
        """A part of the image."""
        return Picture((box[2] - box[0], box[3] - box[1]), self.mode)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        channels = CHANNELS.get(self.mode, 3)
        shape = (self.size[1], self.size[0]) if channels == 1 else (self.size[1], self.size[0], channels)
        return np.full(shape, 128, dtype or "uint8")


def picture(width: int, height: int, mode: str) -> Any:
    """A grey image."""
    if not PILLOW:
        return Picture((width, height), mode)
    from PIL import Image

    return Image.new(mode, (width, height), 128 if CHANNELS.get(mode, 3) == 1 else (128,) * CHANNELS[mode])
