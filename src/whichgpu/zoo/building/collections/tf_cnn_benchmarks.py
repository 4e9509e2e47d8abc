"""The networks that tf_cnn_benchmarks measures, as it defines them: ResNet is v1, AlexNet has one column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import torch

from whichgpu.zoo.building.blueprint import Blueprint, register, variants
from whichgpu.zoo.building.models.tf_cnn import Chain, Column, Layer, Loss, Module, ResNet

_SOURCE: Final = "tensorflow/benchmarks, scripts/tf_cnn_benchmarks/models/{}_model.py"


def _alexnet() -> torch.nn.Module:
    layers: list[Layer] = [
        ("conv", 64, 11, 11, 4, "VALID"),
        ("mpool", 3, 2),
        ("conv", 192, 5, 5),
        ("mpool", 3, 2),
        ("conv", 384, 3, 3),
        ("conv", 384, 3, 3),
        ("conv", 256, 3, 3),
        ("mpool", 3, 2),
    ]
    return Chain(layers, (36, 4096, 4096))


def _vgg(depths: Sequence[int]) -> torch.nn.Module:
    layers: list[Layer] = []
    for width, depth in zip((64, 128, 256, 512, 512), depths, strict=True):
        layers += [("conv", width, 3, 3)] * depth + [("mpool", 2, 2)]
    return Chain(layers, (49, 4096, 4096))


def _googlenet() -> torch.nn.Module:
    def module(a: int, b: int, c: int, d: int, e: int, f: int) -> Module:
        return [
            [("conv", a, 1, 1)],
            [("conv", b, 1, 1), ("conv", c, 3, 3)],
            [("conv", d, 1, 1), ("conv", e, 5, 5)],
            [("mpool", 3, 1, "SAME"), ("conv", f, 1, 1)],
        ]

    pool: Layer = ("mpool", 3, 2, "SAME")
    return Chain(
        [
            ("conv", 64, 7, 7, 2),
            pool,
            ("conv", 64, 1, 1),
            ("conv", 192, 3, 3),
            pool,
            module(64, 96, 128, 16, 32, 32),
            module(128, 128, 192, 32, 96, 64),
            pool,
            module(192, 96, 208, 16, 48, 64),
            module(160, 112, 224, 24, 64, 64),
            module(128, 128, 256, 24, 64, 64),
            module(112, 144, 288, 32, 64, 64),
            module(256, 160, 320, 32, 128, 128),
            pool,
            module(256, 160, 320, 32, 128, 128),
            module(384, 192, 384, 48, 128, 128),
            ("apool", 7, 1, "VALID"),
        ]
    )


_SAME_AVERAGE: Final[Layer] = ("apool", 3, 1, "SAME")
_HALVED: Final[Layer] = ("mpool", 3, 2, "VALID")


def _a3(pooled: int) -> Module:
    return [
        [("conv", 64, 1, 1)],
        [("conv", 48, 1, 1), ("conv", 64, 5, 5)],
        [("conv", 64, 1, 1), ("conv", 96, 3, 3), ("conv", 96, 3, 3)],
        [_SAME_AVERAGE, ("conv", pooled, 1, 1)],
    ]


def _c3(width: int) -> Module:
    square: Column = [
        ("conv", width, 1, 1),
        ("conv", width, 7, 1),
        ("conv", width, 1, 7),
        ("conv", width, 7, 1),
        ("conv", 192, 1, 7),
    ]
    return [
        [("conv", 192, 1, 1)],
        [("conv", width, 1, 1), ("conv", width, 1, 7), ("conv", 192, 7, 1)],
        square,
        [_SAME_AVERAGE, ("conv", 192, 1, 1)],
    ]


def _e3(pool: Layer) -> Module:
    return [
        [("conv", 320, 1, 1)],
        [("conv", 384, 1, 1), ("conv", 384, 1, 3)],
        [("share",), ("conv", 384, 3, 1)],
        [("conv", 448, 1, 1), ("conv", 384, 3, 3), ("conv", 384, 1, 3)],
        [("share",), ("share",), ("conv", 384, 3, 1)],
        [pool, ("conv", 192, 1, 1)],
    ]


def _inception3() -> torch.nn.Module:
    b: Module = [
        [("conv", 384, 3, 3, 2, "VALID")],
        [("conv", 64, 1, 1), ("conv", 96, 3, 3), ("conv", 96, 3, 3, 2, "VALID")],
        [_HALVED],
    ]
    d: Module = [
        [("conv", 192, 1, 1), ("conv", 320, 3, 3, 2, "VALID")],
        [("conv", 192, 1, 1), ("conv", 192, 1, 7), ("conv", 192, 7, 1), ("conv", 192, 3, 3, 2, "VALID")],
        [_HALVED],
    ]
    stem: list[Layer] = [
        ("conv", 32, 3, 3, 2, "VALID"),
        ("conv", 32, 3, 3, 1, "VALID"),
        ("conv", 64, 3, 3),
        _HALVED,
        ("conv", 80, 1, 1, 1, "VALID"),
        ("conv", 192, 3, 3, 1, "VALID"),
        _HALVED,
    ]
    mixed: list[Any] = [_a3(32), _a3(64), _a3(64), b, _c3(128), _c3(160), _c3(160), _c3(192), d]
    mixed += [_e3(_SAME_AVERAGE), _e3(("mpool", 3, 1, "SAME"))]
    return Chain([*stem, *mixed, ("apool", 8, 1, "VALID")], norm="shift")


def _stem4() -> list[Any]:
    a: Module = [[_HALVED], [("conv", 96, 3, 3, 2, "VALID")]]
    b: Module = [
        [("conv", 64, 1, 1), ("conv", 96, 3, 3, 1, "VALID")],
        [("conv", 64, 1, 1), ("conv", 64, 7, 1), ("conv", 64, 1, 7), ("conv", 96, 3, 3, 1, "VALID")],
    ]
    c: Module = [[("conv", 192, 3, 3, 2, "VALID")], [_HALVED]]
    first: list[Layer] = [("conv", 32, 3, 3, 2, "VALID"), ("conv", 32, 3, 3, 1, "VALID"), ("conv", 64, 3, 3)]
    return [*first, a, b, c]


def _inception4() -> torch.nn.Module:
    a: Module = [
        [_SAME_AVERAGE, ("conv", 96, 1, 1)],
        [("conv", 96, 1, 1)],
        [("conv", 64, 1, 1), ("conv", 96, 3, 3)],
        [("conv", 64, 1, 1), ("conv", 96, 3, 3), ("conv", 96, 3, 3)],
    ]
    after_a: Module = [
        [_HALVED],
        [("conv", 384, 3, 3, 2, "VALID")],
        [("conv", 192, 1, 1), ("conv", 224, 3, 3), ("conv", 256, 3, 3, 2, "VALID")],
    ]
    long: Column = [("conv", 192, 7, 1), ("conv", 224, 1, 7), ("conv", 256, 7, 1)]
    b: Module = [
        [_SAME_AVERAGE, ("conv", 128, 1, 1)],
        [("conv", 384, 1, 1)],
        [("conv", 192, 1, 1), ("conv", 224, 1, 7), ("conv", 256, 7, 1)],
        [("conv", 192, 1, 1), ("conv", 192, 1, 7), ("conv", 224, 7, 1), *long[1:]],
    ]
    after_b: Module = [
        [_HALVED],
        [("conv", 192, 1, 1), ("conv", 192, 3, 3, 2, "VALID")],
        [("conv", 256, 1, 1), ("conv", 256, 1, 7), ("conv", 320, 7, 1), ("conv", 320, 3, 3, 2, "VALID")],
    ]
    c: Module = [
        [_SAME_AVERAGE, ("conv", 256, 1, 1)],
        [("conv", 256, 1, 1)],
        [("conv", 384, 1, 1), ("conv", 256, 1, 3)],
        [("share",), ("conv", 256, 3, 1)],
        [("conv", 384, 1, 1), ("conv", 448, 1, 3), ("conv", 512, 3, 1), ("conv", 256, 3, 1)],
        [("share",), ("share",), ("share",), ("conv", 256, 1, 3)],
    ]
    chain = Chain([*_stem4(), *[a] * 4, after_a, *[b] * 7, after_b, *[c] * 3], norm="shift")
    chain.last = torch.nn.Sequential(torch.nn.Dropout(0.2), chain.last)
    return chain


def _register(
    name: str, module: str, published: int, make: Callable[[], torch.nn.Module], size: int, batch: int
) -> None:
    def build(images: int) -> tuple[torch.nn.Module, tuple[torch.Tensor, torch.Tensor]]:
        return Loss(make()), (torch.zeros(images, size, size, 3), torch.zeros(images, dtype=torch.long))

    register(
        Blueprint(
            name=f"tf-cnn-{name}",
            category="image-classification",
            family="cnn",
            source=_SOURCE.format(module),
            published=str(published),
            graphs=variants(build, lambda loss: loss),
            block="tf-cnn",
            input=f"{size}x{size}x3",
            batch_size=batch,
        )
    )


def _residual(blocks: Sequence[int]) -> Callable[[], torch.nn.Module]:
    return lambda: ResNet(blocks)


def _register_all() -> None:
    # Counts published for 1000 classes, plus one class more; AlexNet's is the sum over its eight layers.
    _register("alexnet", "alexnet", 61842345, _alexnet, 227, 512)
    _register("vgg11", "vgg", 132863336 + 4097, lambda: _vgg((1, 1, 2, 2, 2)), 224, 64)
    _register("vgg16", "vgg", 138357544 + 4097, lambda: _vgg((2, 2, 3, 3, 3)), 224, 64)
    _register("vgg19", "vgg", 143667240 + 4097, lambda: _vgg((2, 2, 4, 4, 4)), 224, 64)
    _register("googlenet", "googlenet", 6998552 + 1025, _googlenet, 224, 32)
    # Keras' InceptionV3 has the same layers (23 817 352 trainable parameters: batch norms without scale).
    _register("inception3", "inception", 23817352 + 2049, _inception3, 299, 32)
    # timm's inception_v4 has scales, one for each of 31 584 channels.
    _register("inception4", "inception", 42679816 - 31584 + 1537, _inception4, 299, 32)
    for depth, blocks, published in (
        (50, (3, 4, 6, 3), 25557032),
        (101, (3, 4, 23, 3), 44549160),
        (152, (3, 8, 36, 3), 60192808),
    ):
        _register(f"resnet{depth}", "resnet", published + 2049, _residual(blocks), 224, 64)


_register_all()
