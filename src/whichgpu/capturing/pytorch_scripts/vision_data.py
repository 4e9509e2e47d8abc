"""The data sets of torchvision by shape: a sample, how many there are, and their classes; nothing is read or fetched.

Sizes and numbers are those of each data set's own description, linked from torchvision's reference
(https://pytorch.org/vision/stable/datasets.html). Images of no fixed size are 500 by 375 pixels.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import numpy as np
import torch

from whichgpu.capturing.pytorch_scripts.pictures import picture
from whichgpu.capturing.stand_ins.stubs import Stub

USUAL: Final = (500, 375)
"""Width and height of a photograph of ImageNet, PASCAL VOC and most sets of its kind."""

MISSING_LENGTH: Final = 1000
"""What ``len`` answers for a folder that is not here; the workload's samples stay unknown."""

UNKNOWN_CLASSES: Final = (
    "the script needs the classes of the folder {source}, which is not here",
    "put the folder beside the script, or write the number of classes into the script",
)


class Missing(Stub):
    """What only the missing folder could tell."""

    _wording: ClassVar[tuple[str, str]] = UNKNOWN_CLASSES


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A data set: width and height, mode, classes, and samples by what the script calls its parts."""

    size: tuple[int, int] = USUAL
    mode: str = "RGB"
    classes: int = 10
    parts: Mapping[str, int] = field(default_factory=dict)
    target: str = "class"


def _train_test(train: int, test: int) -> dict[str, int]:
    return {"train": train, "test": test, "val": test, "valid": test}


KNOWN: Final[Mapping[str, Known]] = {
    "MNIST": Known(size=(28, 28), mode="L", parts=_train_test(60_000, 10_000)),
    "FashionMNIST": Known(size=(28, 28), mode="L", parts=_train_test(60_000, 10_000)),
    "KMNIST": Known(size=(28, 28), mode="L", parts=_train_test(60_000, 10_000)),
    "QMNIST": Known(size=(28, 28), mode="L", parts=_train_test(60_000, 60_000)),
    "EMNIST": Known(size=(28, 28), mode="L", classes=47, parts=_train_test(112_800, 18_800)),
    "USPS": Known(size=(16, 16), mode="L", parts=_train_test(7_291, 2_007)),
    "Omniglot": Known(size=(105, 105), mode="L", classes=964, parts=_train_test(19_280, 13_180)),
    "CIFAR10": Known(size=(32, 32), parts=_train_test(50_000, 10_000)),
    "CIFAR100": Known(size=(32, 32), classes=100, parts=_train_test(50_000, 10_000)),
    "SVHN": Known(size=(32, 32), parts={**_train_test(73_257, 26_032), "extra": 531_131}),
    "STL10": Known(
        size=(96, 96), parts={**_train_test(5_000, 8_000), "unlabeled": 100_000, "train+unlabeled": 105_000}
    ),
    "CelebA": Known(
        size=(178, 218),
        classes=40,
        parts={"train": 162_770, "valid": 19_867, "test": 19_962, "all": 202_599},
        target="attributes",
    ),
    "ImageNet": Known(classes=1000, parts={"train": 1_281_167, "val": 50_000}),
    "Food101": Known(size=(512, 384), classes=101, parts=_train_test(75_750, 25_250)),
    "Flowers102": Known(classes=102, parts={"train": 1_020, "val": 1_020, "test": 6_149}),
    "OxfordIIITPet": Known(classes=37, parts={"trainval": 3_680, "test": 3_669}),
    "StanfordCars": Known(classes=196, parts=_train_test(8_144, 8_041)),
    "FGVCAircraft": Known(classes=100, parts={"train": 3_334, "val": 3_333, "trainval": 6_667, "test": 3_333}),
    "DTD": Known(classes=47, parts=dict.fromkeys(("train", "val", "test"), 1_880)),
    "EuroSAT": Known(size=(64, 64), parts={"": 27_000}),
    "GTSRB": Known(size=(50, 50), classes=43, parts=_train_test(26_640, 12_630)),
    "PCAM": Known(size=(96, 96), classes=2, parts={"train": 262_144, "val": 32_768, "test": 32_768}),
    "Caltech101": Known(size=(300, 200), classes=101, parts={"": 8_677}),
    "Caltech256": Known(classes=257, parts={"": 30_607}),
    "Country211": Known(classes=211, parts={"train": 31_650, "valid": 10_550, "test": 21_100}),
    "SUN397": Known(classes=397, parts={"": 108_754}),
    "VOCSegmentation": Known(classes=21, parts={"train": 1_464, "val": 1_449, "trainval": 2_913}, target="mask"),
    "SBDataset": Known(classes=21, parts={"train": 8_498, "val": 2_857}, target="mask"),
    "Cityscapes": Known(
        size=(2048, 1024), classes=30, parts={"train": 2_975, "val": 500, "test": 1_525}, target="mask"
    ),
}


class Labels(np.ndarray[Any, Any]):
    """Labels that are a tensor in the library: MNIST and its kin. Their values are known."""

    def clone(self) -> Any:
        """Labels of their own."""
        return self.copy()

    def numpy(self) -> Any:
        """The labels as an array."""
        return np.asarray(self)

    cpu = long = clone


class VisionData(torch.utils.data.Dataset):
    """A data set of ``count`` samples that all look like the first."""

    unknown_length = False

    def __init__(self, known: Known, count: int | None, transform: Any, target_transform: Any, both: Any) -> None:
        self.known = known
        self.count = count
        self.unknown_length = count is None
        self.transform, self.target_transform, self.transforms = transform, target_transform, both
        self.classes: Any = [str(number) for number in range(known.classes)]

    @property
    def class_to_idx(self) -> Any:
        """Numbers of classes by name."""
        return self.classes if isinstance(self.classes, Stub) else {name: at for at, name in enumerate(self.classes)}

    @property
    def targets(self) -> Any:
        """The label of every sample, of all classes in turn."""
        labels = [at % max(self.known.classes, 1) for at in range(len(self))]
        return np.array(labels).view(Labels) if self.known.mode == "L" else labels

    labels = train_labels = test_labels = targets

    @property
    def data(self) -> Any:
        """All images as one array: [samples, height, width] of bytes, or with channels last."""
        width, height = self.known.size
        shape = (len(self), height, width) if self.known.mode == "L" else (len(self), height, width, 3)
        return torch.empty(shape, dtype=torch.uint8)

    train_data = test_data = data

    def __len__(self) -> int:
        return MISSING_LENGTH if self.count is None else self.count

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        image: Any = picture(*self.known.size, self.known.mode)
        target = self._target(index if isinstance(index, int) else 0)
        if self.transforms is not None:
            return tuple(self.transforms(image, target))
        if self.transform is not None:
            image = self.transform(image)
        return image, target if self.target_transform is None else self.target_transform(target)

    def _target(self, index: int) -> Any:
        if self.known.target == "mask":
            return picture(*self.known.size, "L")
        if self.known.target == "attributes":
            return torch.empty(self.known.classes, dtype=torch.int64)
        return index % max(self.known.classes, 1)

    def __repr__(self) -> str:
        return f"Dataset {type(self).__name__}\n    Number of datapoints: {len(self)}"


def classes(original: Any, note: Callable[[str], None]) -> dict[str, Any]:
    """Stand-ins for the classes of torchvision's module ``original`` (None where it is not installed)."""
    made: dict[str, Any] = {name: _class(name, known, getattr(original, name, None)) for name, known in KNOWN.items()}
    made["ImageFolder"] = made["DatasetFolder"] = _folder(note)
    made["FakeData"] = _fake()
    return made


def _class(name: str, known: Known, original: Any) -> type:
    signature = inspect.signature(original) if original is not None else None

    def initialise(self: Any, *arguments: Any, **options: Any) -> None:
        given = dict(options)
        names = list(signature.parameters) if signature is not None else _usual(name, arguments)
        given.update(zip(names, arguments, strict=False))
        count = _count(known, given)
        own = known if name != "EMNIST" else _emnist(given)
        VisionData.__init__(
            self, own, count, given.get("transform"), given.get("target_transform"), given.get("transforms")
        )

    return type(name, (VisionData,), {"__init__": initialise})


def _usual(name: str, arguments: tuple[Any, ...]) -> list[str]:
    """Names of arguments by position where torchvision's own are not at hand."""
    second = "train" if len(arguments) > 1 and isinstance(arguments[1], bool) else "split"
    return ["root", second, "transform", "target_transform", "download"]


def _count(known: Known, given: Mapping[str, Any]) -> int:
    part = given.get("split", given.get("image_set"))
    if not isinstance(part, str) or part not in known.parts:
        part = "train" if given.get("train", True) else "test"
    return known.parts.get(part) or next(iter(known.parts.values()))


_EMNIST: Final = {"byclass": 62, "bymerge": 47, "balanced": 47, "letters": 27, "digits": 10, "mnist": 10}


def _emnist(given: Mapping[str, Any]) -> Known:
    return Known(size=(28, 28), mode="L", classes=_EMNIST.get(str(given.get("split")), 47))


def _folder(note: Callable[[str], None]) -> type:
    def initialise(self: Any, root: Any, *arguments: Any, **options: Any) -> None:
        given = dict(options)
        given.update(zip(("transform", "target_transform"), arguments, strict=False))
        path = os.fspath(root)
        here = os.path.isdir(path)
        names = sorted(name for name in os.listdir(path) if os.path.isdir(os.path.join(path, name))) if here else []
        count = sum(len(os.listdir(os.path.join(path, name))) for name in names) if here else None
        known = Known(classes=len(names))
        VisionData.__init__(self, known, count, given.get("transform"), given.get("target_transform"), None)
        self.root, self.classes = path, names if here else Missing(path)
        self.imgs = self.samples = [(os.path.join(path, name), at) for at, name in enumerate(names)]
        if not here:
            note(path)

    return type("ImageFolder", (VisionData,), {"__init__": initialise})


def _fake() -> type:
    def initialise(
        self: Any,
        size: int = 1000,
        image_size: tuple[int, int, int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Any = None,
        target_transform: Any = None,
        random_offset: int = 0,
    ) -> None:
        channels, height, width = image_size
        mode = "L" if channels == 1 else "RGB"
        known = Known(size=(width, height), mode=mode, classes=num_classes)
        VisionData.__init__(self, known, size, transform, target_transform, None)

    return type("FakeData", (VisionData,), {"__init__": initialise})
