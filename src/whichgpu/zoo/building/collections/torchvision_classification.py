"""torchvision's classification models by their own names; the published count is that of the default weights.

``NAME`` has the image size of the default weights, ``NAME-224px`` the one that most benchmarks run all models at.
"""

from __future__ import annotations

from typing import Any, Final

import torch

from whichgpu.capturing.libraries import torchvision_models
from whichgpu.capturing.losses import classification
from whichgpu.zoo.building.blueprint import PRIME, Blueprint, Build, inference, register, variants

_TRANSFORMERS: Final = ("vit_", "swin_", "maxvit")

_SIZES: Final = {"vit_h_14": 224, "regnet_y_128gf": 224}
"""Models whose default weights were trained on larger images than those they were made for."""

_AUXILIARY: Final = ("googlenet", "inception_v3")
"""Models that train with auxiliary classifiers."""

_FIXED: Final = ("inception_v3",)
"""Models that do not train on images of another size, but tell what is in them."""

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


def _register(name: str, size: int, published: int, suffix: str = "") -> None:
    build = _build(name, size)
    register(
        Blueprint(
            name=f"{name}{suffix}",
            category="image-classification",
            family="transformer" if name.startswith(_TRANSFORMERS) else "cnn",
            source=f"torchvision.models.{name}",
            published=str(published),
            graphs={"infer": inference(build)} if suffix and name in _FIXED else variants(build, classification),
            block="torchvision-" + name.partition("_")[0].rstrip("0123456789"),
            input=f"3x{size}x{size}",
            batches=(PRIME,),
        )
    )


def _register_all() -> None:
    models = torchvision_models()
    for name in models.list_models(module=models):
        weights = models.get_model_weights(name).DEFAULT
        size = _SIZES.get(name, weights.transforms().crop_size[0])
        published = _PUBLISHED.get(name, weights.meta["num_params"])
        _register(name, size, published)
        if size != 224:
            _register(name, 224, published, "-224px")


_register_all()
