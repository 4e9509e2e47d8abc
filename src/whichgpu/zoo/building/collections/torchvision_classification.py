"""torchvision's classification models by their own names; the published count is that of the default weights."""

from __future__ import annotations

from typing import Any, Final

import torch

from whichgpu.zoo.building.blueprint import Blueprint, register, variants
from whichgpu.zoo.building.frameworks import torchvision

_TRANSFORMERS: Final = ("vit_", "swin_", "maxvit")

_SIZES: Final = {"inception_v3": 299}
"""Image sizes that a model was trained at and that its layers are made for."""


def _build(name: str, size: int) -> Any:
    def build(batch: int) -> tuple[torch.nn.Module, torch.Tensor]:
        options: dict[str, Any] = {"aux_logits": True} if name in ("googlenet", "inception_v3") else {}
        module = (
            torchvision().models.get_model(name, weights=None, init_weights=False, **options)
            if options
            else (torchvision().models.get_model(name, weights=None))
        )
        return module, torch.zeros(batch, 3, size, size)

    return build


def _register_all() -> None:
    models = torchvision().models
    for name in models.list_models(module=models):
        weights = models.get_model_weights(name).DEFAULT
        size = _SIZES.get(name, 224)
        register(
            Blueprint(
                name=name,
                category="image-classification",
                family="transformer" if name.startswith(_TRANSFORMERS) else "cnn",
                source=f"torchvision.models.{name}",
                published=str(weights.meta["num_params"]),
                graphs=variants(_build(name, size)),
                block="torchvision-" + name.partition("_")[0].rstrip("0123456789"),
                input=f"3x{size}x{size}",
            )
        )


_register_all()
