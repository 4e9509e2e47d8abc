"""torchvision's classification models by their own names; the published count is that of the default weights."""

from __future__ import annotations

from typing import Any, Final

import torch

from whichgpu.zoo.building.blueprint import Blueprint, Build, register, variants
from whichgpu.zoo.building.frameworks import torchvision_models

_TRANSFORMERS: Final = ("vit_", "swin_", "maxvit")

_SIZES: Final = {"inception_v3": 299}
"""Image sizes that a model's layers are made for, where that is not 224."""

_AUXILIARY: Final = ("googlenet", "inception_v3")
"""Models that train with auxiliary classifiers."""

_PUBLISHED: Final = {
    # The published 6 624 904 lack the two auxiliary classifiers: 3 188 968 and 3 191 016 parameters (their channels
    # times 128 and a batch norm, 2048x1024 and 1024x1000 with biases).
    "googlenet": 13004888,
    # The default weights are for 518 pixels; these are the linear ones for 224.
    "vit_h_14": 632045800,
}


def _build(name: str, size: int) -> Build:
    options: dict[str, Any] = {"aux_logits": True, "init_weights": False} if name in _AUXILIARY else {}

    def build(batch: int) -> tuple[torch.nn.Module, torch.Tensor]:
        module = torchvision_models().get_model(name, weights=None, **options)
        return module, torch.zeros(batch, 3, size, size)

    return build


def _register_all() -> None:
    models = torchvision_models()
    for name in models.list_models(module=models):
        size = _SIZES.get(name, 224)
        default = models.get_model_weights(name).DEFAULT.meta["num_params"]
        register(
            Blueprint(
                name=name,
                category="image-classification",
                family="transformer" if name.startswith(_TRANSFORMERS) else "cnn",
                source=f"torchvision.models.{name}",
                published=str(_PUBLISHED.get(name, default)),
                graphs=variants(_build(name, size)),
                block="torchvision-" + name.partition("_")[0].rstrip("0123456789"),
                input=f"3x{size}x{size}",
            )
        )


_register_all()
