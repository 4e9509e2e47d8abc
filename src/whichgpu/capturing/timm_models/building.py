"""timm's networks under fake tensors: the module at a shape of pictures, and what the library says of it."""

from __future__ import annotations

import functools
from typing import Any, Final

import torch

from whichgpu.capturing.libraries import torchvision
from whichgpu.capturing.timm_models.naming import COLOURS, Shape
from whichgpu.errors import UnknownName, nearest

_TRANSFORMERS: Final = ("vision_transformer", "swin", "deit", "beit", "eva", "vit", "cait", "xcit", "volo", "hiera")

_SIDE: Final = 224
"""Pixels of a side where the library says nothing of a network: ImageNet's usual."""


@functools.cache
def library() -> Any:
    """The timm module."""
    torchvision()
    import timm

    return timm


def check(model: str) -> None:
    """Raise UnknownName, with the nearest, for a model that the installed timm does not have."""
    timm = library()
    if timm.models.is_model(model):
        return
    close = nearest(model, timm.list_models())
    raise UnknownName(
        "timm {version} has no model {name!r}",
        version=timm.__version__,
        name=model,
        close=None if close is None else f"timm-{close}",
        field="source",
        hint="did you mean {close!r}?" if close else "whichgpu zoo timm lists those that are built in",
    )


def own_shape(model: str) -> Shape:
    """The shape of pictures that the model is made for where nobody says another."""
    config = library().get_pretrained_cfg(model)
    found = None if config is None else config.input_size
    return (COLOURS, _SIDE, _SIDE) if found is None else (int(found[0]), int(found[1]), int(found[2]))


def family(model: str) -> str:
    """Whether the model is a transformer or a convolutional network, by the module that defines it."""
    module = library().models._registry._model_to_module.get(model, "")
    return "transformer" if module.startswith(_TRANSFORMERS) else "cnn"


def network(model: str, shape: Shape) -> torch.nn.Module:
    """The module for pictures of this shape, without pretrained weights.

    A network whose parts depend on the size of its pictures is told it; others take pictures of any size.
    """
    own = own_shape(model)
    channels = {} if shape[0] == own[0] else {"in_chans": shape[0]}
    if shape[1:] == own[1:]:
        return _created(model, **channels)
    _, height, width = shape
    try:
        return _created(model, img_size=height if height == width else (height, width), **channels)
    except TypeError as error:
        if "img_size" not in str(error):
            raise
        return _created(model, **channels)


def _created(model: str, **options: Any) -> torch.nn.Module:
    made: torch.nn.Module = library().create_model(model, pretrained=False, **options)
    return made
