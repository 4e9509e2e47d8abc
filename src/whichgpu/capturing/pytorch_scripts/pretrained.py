"""Weights that a script would fetch: models come as they are built, and their weights have values for nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import torch


def _unloaded(self: Any, state_dict: Any = None, *arguments: Any, **options: Any) -> Any:
    return torch.nn.modules.module._IncompatibleKeys([], [])


def install() -> None:
    """Weights are neither fetched nor loaded into modules."""
    torch.hub.load_state_dict_from_url = lambda *arguments, **options: {}
    torch.nn.Module.load_state_dict = _unloaded


def _timm(module: Any) -> None:
    module.load_pretrained = lambda *arguments, **options: None


def _torchvision(module: Any) -> None:
    module.load_state_dict_from_url = lambda *arguments, **options: {}


def _transforms(module: Any) -> None:
    """Names that transforms had before: scripts of those days are still there."""
    for former, name in (("Scale", "Resize"), ("RandomSizedCrop", "RandomResizedCrop")):
        if not hasattr(module, former):
            setattr(module, former, getattr(module, name))


CHANGES: Final[Mapping[str, Callable[[Any], None]]] = {
    "timm.models._builder": _timm,
    "torchvision.models._api": _torchvision,
    "torchvision.transforms": _transforms,
}
"""What is changed in a library that loads weights, by its module."""
