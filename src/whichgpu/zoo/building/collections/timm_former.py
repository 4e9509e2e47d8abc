"""Models of timm's earlier releases that its present one does not name, made of the same parts.

Counts are those that timm's results of 2022 and 2023 print (results/*.csv of its repository, Apache-2.0).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Final

import torch
from torch import nn

from whichgpu.capturing.libraries import shapes_only
from whichgpu.capturing.losses import classification
from whichgpu.capturing.timm_models.building import library
from whichgpu.zoo.building.blueprint import PRIME, Blueprint, register, variants

Network = Callable[[], nn.Module]

_DENSE_264: Final[dict[str, Any]] = {"growth_rate": 48, "block_config": (6, 12, 64, 48)}


def _named(name: str, **options: Any) -> Network:
    return lambda: library().create_model(name, **options)


def _dense(**options: Any) -> Network:
    return lambda: library().models.densenet.DenseNet(**options)


def _leaky(width: int, **_: Any) -> nn.Module:
    """Batch norm and leaky rectifier, the two halves of a norm that works in place (Rota Bulò 2018)."""
    norm: nn.Module = library().layers.BatchNormAct2d(width, act_layer=nn.LeakyReLU)
    return norm


def _in_place(name: str) -> Network:
    """A VoVNet whose norms work in place."""
    vovnet = library().models.vovnet
    return lambda: vovnet.VovNet(vovnet.model_cfgs[name], norm_layer=_leaky)


def _evolved() -> nn.Module:
    """ResNet-50-D of the second version under EvoNorm B0 (Liu 2020)."""
    timm = library()
    norm, conv = timm.layers.EvoNorm2dB0, timm.layers.create_conv2d
    options = {"layers": [3, 4, 6, 3], "stem_type": "deep", "avg_down": True}
    module: nn.Module = timm.models.resnetv2.ResNetV2(conv_layer=conv, norm_layer=norm, **options)
    return module


def _squeezing() -> nn.Module:
    """MobileViT-S with squeeze-and-excitation in its convolutional blocks."""
    mobilevit = library().models.mobilevit
    sizes = dataclasses.replace(
        mobilevit.model_cfgs["mobilevit_s"], attn_layer="se", attn_kwargs={"rd_ratio": 1 / 8}, act_layer="relu"
    )
    module: nn.Module = library().models.byobnet.ByobNet(sizes)
    return module


def _register(name: str, module: str, published: str, make: Network, size: int = 224) -> None:
    def build(batch: int) -> tuple[nn.Module, torch.Tensor]:
        return shapes_only(make), torch.zeros(batch, 3, size, size)

    register(
        Blueprint(
            name=f"timm-{name}",
            category="image-classification",
            family="transformer" if module == "vision_transformer" else "cnn",
            source=f"timm.models.{module}.{name} of 2022 or 2023",
            published=published,
            graphs=variants(build, classification),
            block="timm-former",
            input=f"3x{size}x{size}",
            batches=(PRIME,),
        )
    )


def _register_all() -> None:
    nano = _named("convnext_nano", head_norm_first=True, conv_mlp=True)
    _register("convnext_nano_hnf", "convnext", "15.59M", nano)
    deep = _dense(growth_rate=32, block_config=(6, 12, 24, 16), stem_type="deep")
    _register("densenet121d", "densenet", "8.00M", deep)
    _register("densenet264", "densenet", "72.69M", _dense(**_DENSE_264))
    in_place = _dense(**_DENSE_264, stem_type="deep", norm_layer=_leaky)
    _register("densenet264d_iabn", "densenet", "72.74M", in_place)
    _register("ese_vovnet99b_iabn", "vovnet", "63.20M", _in_place("ese_vovnet99b"))
    _register("resnetv2_50d_evob", "resnetv2", "25.59M", _evolved)
    _register("semobilevit_s", "mobilevit", "5.74M", _squeezing, 256)
    eight = _named("vit_base_patch16_reg4_gap_256", reg_tokens=8)
    _register("vit_base_patch16_reg8_gap_256", "vision_transformer", "86.62M", eight, 256)
    classed = {"class_token": True, "global_pool": "token", "no_embed_class": True, "init_values": 0.0}
    medium = _named("vit_medium_patch16_reg4_gap_256", **classed)
    _register("vit_medium_patch16_reg4_256", "vision_transformer", "38.87M", medium, 256)


_register_all()
