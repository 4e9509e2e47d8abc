"""Folders of images that a script trains on: by shape alone, with classes and numbers where the folder is here."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, ClassVar, Final

import keras
import numpy as np

from whichgpu.capturing.keras_scripts.patching import bound, replace_everywhere
from whichgpu.capturing.keras_scripts.pipelines import Dataset
from whichgpu.capturing.keras_scripts.stubs import Stub

UNKNOWN_NUMBER: Final = (
    "the script needs a number out of the folder {source}, which is not here",
    "put the folder beside the script, or write the number into the script",
)
CHANNELS: Final = {"rgb": 3, "rgba": 4, "grayscale": 1}
DEFAULT_BATCH: Final = 32


class Missing(Stub):
    """A number or list that only the missing folder could tell."""

    _wording: ClassVar[tuple[str, str]] = UNKNOWN_NUMBER

    def __floordiv__(self, other: Any) -> Any:
        return self

    __truediv__ = __mul__ = __rmul__ = __floordiv__


class Folder(Dataset):
    """Batches of the images under ``path``: their shape and labels from the call, the rest from the folder itself."""

    def __init__(self, path: str, shape: tuple[int, ...], batch_size: int, label: str | None) -> None:
        self.class_names: Any = Missing(path)
        self.samples: Any = Missing(path)
        count = rows = None
        if os.path.isdir(path):
            self.class_names = sorted(name for name in os.listdir(path) if os.path.isdir(os.path.join(path, name)))
            self.samples = sum(len(os.listdir(os.path.join(path, name))) for name in self.class_names)
            rows = self.samples
            count = -(-self.samples // batch_size)
        self.n = self.classes = self.samples
        self.class_indices = (
            {name: number for number, name in enumerate(self.class_names)} if count is not None else self.class_names
        )
        self.image_shape = shape
        images = np.broadcast_to(np.float32(0.5), (batch_size, *shape))
        target = _target(label, batch_size, None if count is None else len(self.class_names))
        super().__init__(lambda: images if label is None else (images, target), count, batch_size, rows)

    def __next__(self) -> Any:
        return self.element()

    def reset(self) -> None:
        """Nothing: every batch is the first."""


def _target(label: str | None, batch_size: int, classes: int | None) -> Any:
    """Labels of a batch in this mode of Keras' readers; None where the number of classes is unknown."""
    if label in ("int", "sparse"):
        return np.zeros(batch_size, dtype="int32")
    if label == "binary":
        return np.zeros((batch_size, 1), dtype="float32")
    return None if classes is None else np.zeros((batch_size, classes), dtype="float32")


def install(note: Callable[[str], None]) -> None:
    """Readers of folders give shapes; ``note`` learns which folder is not here."""
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    flow, dataset = ImageDataGenerator.flow_from_directory, keras.utils.image_dataset_from_directory

    def folder(path: Any, size: Any, given: Any, label: str | None) -> Folder:
        name = os.fspath(path)
        if not os.path.isdir(name):
            note(name)
        shape = (*size, CHANNELS.get(given["color_mode"], 3))
        return Folder(name, shape, given["batch_size"] or DEFAULT_BATCH, label)

    def flow_from_directory(self: Any, *arguments: Any, **options: Any) -> Any:
        given = bound(flow, (self, *arguments), options)
        return folder(given["directory"], given["target_size"], given, given["class_mode"])

    def image_dataset_from_directory(*arguments: Any, **options: Any) -> Any:
        given = bound(dataset, arguments, options)
        label = given["label_mode"] if given["labels"] is not None else None
        data = folder(given["directory"], given["image_size"], given, label)
        return (data, data) if given["subset"] == "both" else data

    ImageDataGenerator.flow_from_directory = flow_from_directory
    replace_everywhere(dataset, image_dataset_from_directory)
