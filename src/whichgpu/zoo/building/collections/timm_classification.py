"""timm's classification models by their own names, at every image size that their published weights are made for.

``timm-NAME`` is the model at its default size, ``timm-NAME-SIZEpx`` at another: the sizes at which timm tests the
weights. Counts published by timm's own results (results/*.csv of its repository, Apache-2.0) are in timm_published.csv.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch

from whichgpu.capturing.libraries import shapes_only
from whichgpu.capturing.losses import classification
from whichgpu.capturing.timm_models.building import family, library, network
from whichgpu.zoo.building.blueprint import PRIME, Blueprint, Build, register, variants

_MORE_SIZES: Final[Mapping[str, tuple[int, ...]]] = {
    "efficientnet_b5": (456,),
    "convnext_xxlarge": (224,),
    "ese_vovnet57b": (224,),
    "resnext101_32x4d": (288,),
    "sam2_hiera_tiny": (224,),
}
"""Sizes at which timm's benchmarks ran a model beside those of its weights."""


_MERGED: Final = frozenset(
    [
        *(f"repghostnet_{width}" for width in (100, 111, 130, 150, 200)),
        *("tiny_vit_21m_224", "tiny_vit_21m_384"),
    ]
)
"""Models that timm's results count with branches and norms merged into their convolutions, as they do not train."""


@functools.cache
def _published() -> Mapping[str, str]:
    """Parameter counts by model and image size, as timm prints them."""
    path = Path(__file__).with_name("timm_published.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return {f"{row['model']}-{row['image']}": row["parameters"] for row in csv.DictReader(file)}


def _sizes(name: str) -> list[int]:
    """Image sizes of a model, its default first."""
    timm = library()
    tagged = timm.list_pretrained(f"{name}.*") or []
    configs = [timm.get_pretrained_cfg(name), *(timm.get_pretrained_cfg(tag) for tag in tagged)]
    shapes = [shape for config in configs if config for shape in (config.input_size, config.test_input_size) if shape]
    return list(dict.fromkeys([*(shape[-1] for shape in shapes), *_MORE_SIZES.get(name, ())]))


def _build(name: str, size: int) -> Build:
    def build(batch: int) -> tuple[torch.nn.Module, torch.Tensor]:
        return shapes_only(lambda: network(name, (3, size, size))), torch.zeros(batch, 3, size, size)

    return build


def _register(name: str, module: str) -> None:
    sizes = _sizes(name)
    for size in sizes:
        register(
            Blueprint(
                name=f"timm-{name}" if size == sizes[0] else f"timm-{name}-{size}px",
                category="image-classification",
                family=family(name),
                source=f"timm.models.{module}.{name}",
                published="" if name in _MERGED else _published().get(f"{name}-{size}", ""),
                graphs=variants(_build(name, size), classification),
                block=f"timm-{module.replace('_', '')}",
                input=f"3x{size}x{size}",
                batches=(PRIME,),
            )
        )


def _register_all() -> None:
    modules = library().models._registry._model_to_module
    for name in library().list_models():
        _register(name, modules[name])


_register_all()
