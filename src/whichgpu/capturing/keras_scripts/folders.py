"""Folders of images and texts that a script trains on: by shape alone, with classes and numbers where it is here."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import keras
import numpy as np

from whichgpu.capturing.keras_scripts.patching import bound, replace_everywhere
from whichgpu.capturing.keras_scripts.pipelines import Dataset
from whichgpu.capturing.keras_scripts.public_files import Folder as Published
from whichgpu.capturing.keras_scripts.shapes import DEFAULT_IMAGE_SIZE
from whichgpu.capturing.keras_scripts.texts import text
from whichgpu.capturing.stand_ins.stubs import Stub

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


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a folder's files that a call asks for: ``subset`` of a split that holds back ``held``."""

    held: float = 0.0
    subset: str | None = None

    def of(self, samples: int) -> int:
        """How many files that is: Keras rounds the validation part down, and training has the rest."""
        validation = int(self.held * samples)
        return {"training": samples - validation, "validation": validation}.get(self.subset or "", samples)


class Folder(Dataset):
    """Batches of the files under ``path``: ``sample`` of each and its label from the call, the rest from the folder.

    ``part`` is the subset of them that is meant (validation_split), ``known`` what is published of a folder not here.
    """

    def __init__(
        self, path: str, sample: Any, batch_size: int, label: str | None, part: Part, known: Published | None
    ) -> None:
        self.class_names: Any = Missing(path)
        self.samples: Any = Missing(path)
        count = rows = None
        if os.path.isdir(path):
            self.class_names = sorted(name for name in os.listdir(path) if os.path.isdir(os.path.join(path, name)))
            self.samples = sum(len(os.listdir(os.path.join(path, name))) for name in self.class_names)
        elif known is not None:
            self.class_names, self.samples = list(known.classes), known.samples
        if not isinstance(self.samples, Missing):
            self.samples = rows = part.of(self.samples)
            count = -(-self.samples // batch_size)
        self.n = self.classes = self.samples
        self.file_paths = [path] * (rows or 0)
        self.class_indices = (
            {name: number for number, name in enumerate(self.class_names)} if count is not None else self.class_names
        )
        self.image_shape = np.shape(sample)
        target = _target(label, batch_size, None if count is None else len(self.class_names))
        batch = _repeated(sample, batch_size)
        super().__init__(lambda: batch if label is None else (batch, target), count, batch_size, rows)

    def __next__(self) -> Any:
        return self.element()

    def reset(self) -> None:
        """Nothing: every batch is the first."""


def _repeated(sample: Any, batch_size: int) -> Any:
    array = np.asarray(sample)
    if isinstance(sample, str):
        return text([sample] * batch_size)
    return np.broadcast_to(array, (batch_size, *array.shape))


def _target(label: str | None, batch_size: int, classes: int | None) -> Any:
    """Labels of a batch in this mode of Keras' readers; None where the number of classes is unknown."""
    if label in ("int", "sparse"):
        return np.zeros(batch_size, dtype="int32")
    if label == "binary":
        return np.zeros((batch_size, 1), dtype="float32")
    return None if classes is None else np.zeros((batch_size, classes), dtype="float32")


class Readers:
    """Keras' readers of folders; ``note`` learns which folder is not here, ``published`` knows some that are not."""

    def __init__(self, note: Callable[[str], None], published: Callable[[str], Published | None]) -> None:
        self._note, self._published = note, published

    def folder(self, path: Any, sample: Any, given: Any, label: str | None, part: Part) -> Folder:
        """The batches of one folder."""
        name = os.fspath(path)
        known = None if os.path.isdir(name) else self._published(name)
        if known is None and not os.path.isdir(name):
            self._note(name)
        return Folder(name, sample, given["batch_size"] or DEFAULT_BATCH, label, part, known)

    def split(self, given: Any, sample: Any) -> Any:
        """One pipeline, or training and validation where the call asks for both."""
        label = given["label_mode"] if given["labels"] is not None else None
        held = float(given["validation_split"] or 0.0)
        subsets = ("training", "validation") if given["subset"] == "both" else (given["subset"],)
        parts = [self.folder(given["directory"], sample, given, label, Part(held, subset)) for subset in subsets]
        return tuple(parts) if len(parts) > 1 else parts[0]


def install(note: Callable[[str], None], published: Callable[[str], Published | None]) -> None:
    """Readers of folders give shapes."""
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    readers = Readers(note, published)
    flow, images = ImageDataGenerator.flow_from_directory, keras.utils.image_dataset_from_directory
    texts = keras.utils.text_dataset_from_directory

    def flow_from_directory(self: Any, *arguments: Any, **options: Any) -> Any:
        given = bound(flow, (self, *arguments), options)
        sample = _image(given["target_size"], given)
        held = float(getattr(self, "_validation_split", 0.0) or 0.0)
        return readers.folder(given["directory"], sample, given, given["class_mode"], Part(held, given["subset"]))

    def image_dataset_from_directory(*arguments: Any, **options: Any) -> Any:
        given = bound(images, arguments, options)
        return readers.split(given, _image(given["image_size"], given))

    def text_dataset_from_directory(*arguments: Any, **options: Any) -> Any:
        return readers.split(bound(texts, arguments, options), "a text")

    ImageDataGenerator.flow_from_directory = flow_from_directory
    replace_everywhere(images, image_dataset_from_directory)
    replace_everywhere(texts, text_dataset_from_directory)
    replace_everywhere(keras.utils.load_img, load_img)


def _image(size: Any, given: Any) -> Any:
    return np.broadcast_to(np.float32(0.5), (*size, CHANNELS.get(given["color_mode"], 3)))


def load_img(
    path: Any, color_mode: str = "rgb", target_size: Any = None, interpolation: Any = None, **options: Any
) -> Any:
    """An image as an array of the size asked for; one read at its own size has that of the networks' inputs."""
    shape = tuple(target_size) if target_size is not None else (DEFAULT_IMAGE_SIZE, DEFAULT_IMAGE_SIZE)
    return np.full(shape if color_mode == "grayscale" else (*shape, CHANNELS.get(color_mode, 3)), 1, dtype="uint8")
