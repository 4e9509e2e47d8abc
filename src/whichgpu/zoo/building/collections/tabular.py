"""Tables of numbers and categories: Higgs (28 numbers), Adult (6 numbers, 8 categories) and Criteo's advertisements.

Sizes are the papers'; the counts follow from them (a hand count stands in the tests).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch.nn import functional

from whichgpu.capturing.losses import classification
from whichgpu.zoo.building.blueprint import PRIME, Blueprint, Build, register, variants
from whichgpu.zoo.building.models.tables import (
    CategoryTransformer,
    CrossNetwork,
    FeatureTransformer,
    Perceptron,
    ResidualTable,
    TabNet,
)

_HIGGS: Final = 28
_ADULT: Final = (9, 16, 7, 15, 6, 5, 2, 42)
"""Values of Adult's categories: work, education, marriage, occupation, relationship, race, sex, country."""

_CRITEO: Final = (
    *(1460, 583, 10_131_227, 2_202_608, 305, 24, 12_517, 633, 3, 93_145, 5_683, 8_351_593, 3_194),
    *(27, 14_992, 5_461_306, 10, 5_652, 2_173, 4, 7_046_547, 18, 15, 286_181, 105, 142_572),
)


def _register(
    name: str,
    source: str,
    published: str,
    build: Build,
    what: str,
    *,
    category: str = "tabular",
    loss: Callable[[Any], torch.Tensor] = classification,
    batch_size: int = 1024,
) -> None:
    register(
        Blueprint(
            name=name,
            category=category,
            family="transformer" if "transformer" in name else "mlp",
            source=source,
            published=published,
            graphs=variants(build, loss),
            block="tabular",
            input=what,
            batch_size=batch_size,
            optimizer="adamw",
            batches=(PRIME,),
        )
    )


def _numbers(make: Callable[[], torch.nn.Module]) -> Build:
    return lambda batch: (make(), (torch.zeros(batch, _HIGGS),))


def _mixed(make: Callable[[], torch.nn.Module], numbers: int, categories: int) -> Build:
    return lambda batch: (make(), (torch.zeros(batch, numbers), torch.zeros(batch, categories, dtype=torch.long)))


def _clicked(output: Any) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(output, torch.zeros_like(output))


def _register_all() -> None:
    higgs, adult = f"{_HIGGS} numbers", "6 numbers and 8 categories"
    deep = _numbers(lambda: Perceptron(_HIGGS, 300, 300, 300, 300, 300, 2, dropout=0.5))
    _register("mlp-higgs", "Baldi 2014, Higgs: five layers of 300", "370502", deep, higgs)
    residual = _numbers(lambda: ResidualTable(_HIGGS, 2))
    _register("resnet-higgs", "Gorishniy 2021, ResNet on Higgs: eight blocks of 256", "2115842", residual, higgs)
    tokens = _numbers(lambda: FeatureTransformer(_HIGGS, (), 2))
    _register("ft-transformer-higgs", "Gorishniy 2021, FT-Transformer on Higgs", "902786", tokens, higgs)
    both = _mixed(lambda: FeatureTransformer(6, _ADULT, 2), 6, len(_ADULT))
    _register("ft-transformer-adult", "Gorishniy 2021, FT-Transformer on Adult", "915458", both, adult)
    tab = _mixed(lambda: CategoryTransformer(6, _ADULT, 2), 6, len(_ADULT))
    _register("tab-transformer-adult", "Huang 2020 on Adult: six layers of 32, eight heads", "905850", tab, adult)
    _register(
        "tabnet-higgs", "Arik 2021 on Higgs: three steps of width 8", "7440", _numbers(lambda: TabNet(_HIGGS, 2)), higgs
    )
    cross = _mixed(lambda: CrossNetwork(13, _CRITEO, dense=(768, 768)), 13, len(_CRITEO))
    source = "Wang 2021, DCN v2 on Criteo's features: three crosses beside two layers of 768"
    _register(
        "dcn-v2",
        source,
        "541676672",
        cross,
        "13 numbers and 26 categories of an advertisement",
        category="recommendation",
        loss=_clicked,
    )


_register_all()
