"""YOLO at 640 pixels; counts as their repositories print them, with 80 classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import torch
from torch import nn
from torch.nn import functional

from whichgpu.capturing.losses import labels
from whichgpu.capturing.tracing import tensors_in
from whichgpu.zoo.building.blueprint import PRIME, Blueprint, register, variants
from whichgpu.zoo.building.models.yolo_versions import Scale, version3, version5, version8, version11, yolox

_VERSION5: Final[Mapping[str, tuple[Scale, str]]] = {
    "n": ((0.33, 0.25, 1024), "1872157"),
    "s": ((0.33, 0.50, 1024), "7235389"),
    "m": ((0.67, 0.75, 1024), "21190557"),
    "l": ((1.0, 1.0, 1024), "46563709"),
    "x": ((1.33, 1.25, 1024), "86749405"),
}
_VERSION8: Final[Mapping[str, tuple[Scale, str]]] = {
    "n": ((0.33, 0.25, 1024), "3157200"),
    "s": ((0.33, 0.50, 1024), "11166560"),
    "m": ((0.67, 0.75, 768), "25902640"),
    "l": ((1.0, 1.0, 512), "43691520"),
    "x": ((1.0, 1.25, 512), "68229648"),
}
_VERSION11: Final[Mapping[str, tuple[Scale, str]]] = {
    "n": ((0.50, 0.25, 1024), "2624080"),
    "s": ((0.50, 0.50, 1024), "9458752"),
    "m": ((0.50, 1.0, 512), "20114688"),
    "l": ((1.0, 1.0, 512), "25372160"),
    "x": ((1.0, 1.5, 512), "56966176"),
}
_YOLOX: Final[Mapping[str, tuple[Scale, str]]] = {
    "s": ((0.33, 0.50, 1024), "9.0M"),
    "m": ((0.67, 0.75, 1024), "25.3M"),
    "l": ((1.0, 1.0, 1024), "54.2M"),
    "x": ((1.33, 1.25, 1024), "99.1M"),
}


def _loss(output: Any) -> torch.Tensor:
    """Cross entropy of every prediction of every place; the few matched boxes beside it weigh little."""
    total = None
    for predicted in tensors_in(output):
        loss = functional.binary_cross_entropy_with_logits(predicted, labels(tuple(predicted.shape), torch.float32))
        total = loss if total is None else total + loss
    if total is None:
        raise ValueError("the network predicts nothing")
    return total


def _register(name: str, source: str, published: str, make: Callable[[], nn.Module]) -> None:
    def build(batch: int) -> tuple[nn.Module, torch.Tensor]:
        return make(), torch.zeros(batch, 3, 640, 640)

    register(
        Blueprint(
            name=name,
            category="detection",
            family="cnn",
            source=source,
            published=published,
            graphs=variants(build, _loss),
            block="yolo",
            input="3x640x640",
            batch_size=16,
            batches=(PRIME,),
        )
    )


def _register_all() -> None:
    _register("yolov3", "Redmon and Farhadi 2018, arXiv:1804.02767", "61949149", version3)
    for size, (scale, count) in _VERSION5.items():
        _register(f"yolov5{size}", "ultralytics/yolov5 7.0", count, partial(version5, scale))
    for size, (scale, count) in _VERSION8.items():
        _register(f"yolov8{size}", "ultralytics/ultralytics 8.0", count, partial(version8, scale))
    for size, (scale, count) in _VERSION11.items():
        make = partial(version11, scale, nested=size in "mlx")
        _register(f"yolo11{size}", "ultralytics/ultralytics 8.3", count, make)
    for size, (scale, count) in _YOLOX.items():
        _register(f"yolox-{size}", "Ge 2021, arXiv:2107.08430", count, partial(yolox, scale))


_register_all()
