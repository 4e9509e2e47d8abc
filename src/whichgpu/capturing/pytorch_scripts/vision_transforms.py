"""What torchvision's transforms do to the shape of an image, where torchvision is not installed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from whichgpu.capturing.pytorch_scripts.pictures import CHANNELS, Picture
from whichgpu.capturing.stand_ins.stubs import Attributes, Stub
from whichgpu.capturing.words import words

Image = Any
"""A Picture, or a tensor [..., channels, height, width]."""


def _sizes(image: Image) -> tuple[int, int]:
    """Height and width."""
    if isinstance(image, torch.Tensor):
        return int(image.shape[-2]), int(image.shape[-1])
    width, height = image.size
    return int(height), int(width)


def _at(image: Image, height: int, width: int) -> Image:
    """The image at another size."""
    if isinstance(image, torch.Tensor):
        return image.new_empty((*image.shape[:-2], height, width))
    return image.resize((width, height))


def to_tensor(image: Image, *_: Any, **__: Any) -> torch.Tensor:
    """A float tensor [channels, height, width]."""
    if isinstance(image, torch.Tensor):
        return image
    if hasattr(image, "mode"):
        return torch.empty((CHANNELS.get(image.mode, 3), *_sizes(image)))
    array = torch.as_tensor(image)
    return array.unsqueeze(0).float() if array.dim() == 2 else array.permute(2, 0, 1).float()


def to_bytes(image: Image, *_: Any, **__: Any) -> torch.Tensor:
    """A tensor of bytes [channels, height, width]."""
    return to_tensor(image).to(torch.uint8)


def to_image(image: Image, *_: Any, **__: Any) -> Image:
    """An image of the tensor's or array's size."""
    if hasattr(image, "mode"):
        return image
    shape = tuple(int(size) for size in image.shape)
    if isinstance(image, torch.Tensor):
        channels, height, width = (1, *shape) if len(shape) == 2 else shape
    else:
        height, width, channels = (*shape, 1) if len(shape) == 2 else shape
    return Picture((width, height), "L" if channels == 1 else "RGB")


def _resized(image: Image, size: Any, *_: Any, **__: Any) -> Image:
    """To a size (height, width), or its shorter side to one number."""
    height, width = _sizes(image)
    if isinstance(size, Sequence) and len(size) == 2:
        return _at(image, int(size[0]), int(size[1]))
    short = int(size[0]) if isinstance(size, Sequence) else int(size)
    scale = short / min(height, width)
    return _at(image, max(round(height * scale), short), max(round(width * scale), short))


def _cropped(image: Image, size: Any, *_: Any, **__: Any) -> Image:
    square = (size, size) if not isinstance(size, Sequence) else (*size, *size)[:2]
    return _at(image, int(square[0]), int(square[1]))


def _padded(image: Image, padding: Any, *_: Any, **__: Any) -> Image:
    height, width = _sizes(image)
    sides = [padding] if not isinstance(padding, Sequence) else list(padding)
    left, top, right, bottom = {1: sides * 4, 2: sides * 2}.get(len(sides), sides)
    return _at(image, height + int(top) + int(bottom), width + int(left) + int(right))


def _grey(image: Image, num_output_channels: int = 1, *_: Any, **__: Any) -> Image:
    if isinstance(image, torch.Tensor):
        return image.new_empty((*image.shape[:-3], num_output_channels, *image.shape[-2:]))
    return image.convert("L" if num_output_channels == 1 else "RGB")


def _several(number: int) -> Callable[..., Any]:
    return lambda image, size, *_, **__: tuple(_cropped(image, size) for _ in range(number))


def _same(image: Image, *_: Any, **__: Any) -> Image:
    return image


def _in_type(image: Any, dtype: Any = torch.float32, *_: Any, **__: Any) -> Any:
    return image.to(dtype) if isinstance(image, torch.Tensor) and isinstance(dtype, torch.dtype) else image


Function = Callable[..., Any]
FUNCTIONS: dict[str, Function] = {
    "ToTensor": to_tensor,
    "PILToTensor": to_bytes,
    "ToImage": to_bytes,
    "ToPILImage": to_image,
    "ToDtype": _in_type,
    "ConvertImageDtype": _in_type,
    "Resize": _resized,
    "RandomResizedCrop": _cropped,
    "RandomCrop": _cropped,
    "CenterCrop": _cropped,
    "Pad": _padded,
    "Grayscale": _grey,
    "FiveCrop": _several(5),
    "TenCrop": _several(10),
    **dict.fromkeys(
        words(
            """Normalize RandomHorizontalFlip RandomVerticalFlip RandomRotation ColorJitter RandomAffine
    RandomGrayscale GaussianBlur RandomErasing AutoAugment RandAugment TrivialAugmentWide AugMix RandomPerspective
    RandomAdjustSharpness RandomAutocontrast RandomEqualize RandomInvert RandomPosterize RandomSolarize
    ElasticTransform LinearTransformation RandomPhotometricDistort GaussianNoise"""
        ),
        _same,
    ),
}
"""A transform's effect from the image and the arguments of its constructor."""


def _transform(name: str, effect: Function) -> type:
    class Transform:
        def __init__(self, *arguments: Any, **options: Any) -> None:
            self.arguments, self.options = arguments, options

        def __call__(self, image: Any, *rest: Any) -> Any:
            made = effect(image, *self.arguments, **self.options)
            return (made, *rest) if rest else made

        forward = __call__

    Transform.__name__ = Transform.__qualname__ = name
    return Transform


class Compose:
    """Transforms one after the other."""

    def __init__(self, transforms: Any) -> None:
        self.transforms = list(transforms)

    def __call__(self, image: Any, *rest: Any) -> Any:
        for transform in self.transforms:
            made = transform(image, *rest)
            image, rest = (made[0], tuple(made[1:])) if rest else (made, ())
        return (image, *rest) if rest else image


class RandomApply(Compose):
    """Transforms that leave the shape: applied as if always."""

    def __init__(self, transforms: Any, p: float = 0.5) -> None:
        super().__init__(transforms)


class RandomChoice(Compose):
    """One of several transforms: the first."""

    def __init__(self, transforms: Any, p: Any = None) -> None:
        super().__init__(list(transforms)[:1])


class Lambda:
    """A transform of the script's own."""

    def __init__(self, lambd: Callable[[Any], Any], *_: Any) -> None:
        self.lambd = lambd

    def __call__(self, image: Any) -> Any:
        return self.lambd(image)


def functional() -> Attributes:
    """The functions beside the transforms."""
    same = words("normalize hflip vflip rotate affine adjust_brightness adjust_contrast adjust_saturation adjust_hue")
    return {
        "to_tensor": to_tensor,
        "pil_to_tensor": to_bytes,
        "to_pil_image": to_image,
        "resize": _resized,
        "center_crop": _cropped,
        "crop": lambda image, top, left, height, width: _at(image, height, width),
        "resized_crop": lambda image, top, left, height, width, size, *_: _cropped(image, size),
        "pad": _padded,
        "to_grayscale": _grey,
        "rgb_to_grayscale": _grey,
        **dict.fromkeys(same, _same),
    }


def transforms() -> Attributes:
    """``torchvision.transforms``."""
    return {
        **{name: _transform(name, effect) for name, effect in FUNCTIONS.items()},
        "Compose": Compose,
        "RandomApply": RandomApply,
        "RandomChoice": RandomChoice,
        "RandomOrder": Compose,
        "Lambda": Lambda,
        "InterpolationMode": Stub("torchvision.transforms.InterpolationMode"),
    }
