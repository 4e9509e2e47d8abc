"""What jcjohnson/cnn-benchmarks times: in training mode in both directions, with gradients of the output given.

Source: cnn_benchmark.lua of that repository. The gradient of the images is computed too, except by the ResNets, whose
definition leaves it out.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch

from whichgpu.zoo.building.blueprint import Blueprint, forward_part, register, training
from whichgpu.zoo.building.models import torch7


def _register(
    name: str, source: str, published: int | str, make: Callable[[], torch.nn.Module], *, images: bool
) -> None:
    def build(batch: int) -> tuple[torch.nn.Module, torch.Tensor]:
        return make(), torch.zeros(batch, 3, 224, 224, requires_grad=images)

    whole = training(build)
    register(
        Blueprint(
            name=f"jcjohnson-{name}",
            category="image-classification",
            family="cnn",
            source=source,
            published=str(published),
            graphs={"train": whole, "infer": forward_part(whole)},
            block="torch7",
            batch_size=16,
        )
    )


def _register_all() -> None:
    _register("alexnet", "BVLC/caffe, models/bvlc_alexnet", 60965224, torch7.alexnet, images=True)
    sixteen = functools.partial(torch7.vgg, (2, 2, 3, 3, 3))
    nineteen = functools.partial(torch7.vgg, (2, 2, 4, 4, 4))
    _register("vgg16", "Simonyan and Zisserman 2014, configuration D", 138357544, sixteen, images=True)
    _register("vgg19", "Simonyan and Zisserman 2014, configuration E", 143667240, nineteen, images=True)
    # Caffe's bvlc_googlenet has 6 998 552. Here a 3x3 has 204 outputs of 96 channels instead of 208, so that the next
    # module's 1x1 read 508 channels instead of 512 into 360; a 5x5 has 48 channels of 832 instead of 32, into 128; and
    # there are 1008 outputs of 1024: - 4 * 865 - 4 * 360 + 16 * (833 + 25 * 128) + 8 * 1025.
    _register("googlenet-v1", "soumith/inception.torch, googlenet.lua", 7066380, torch7.googlenet, images=True)
    for depth, published in ((18, 11689512), (34, 21797672), (50, 25557032), (101, 44549160), (152, 60192808)):
        make = functools.partial(torch7.resnet, depth)
        _register(
            f"resnet-{depth}", "facebookarchive/fb.resnet.torch, models/resnet.lua", published, make, images=False
        )
    source = "facebookarchive/fb.resnet.torch, models/preresnet.lua"
    _register("resnet-200", source, "64.7M", functools.partial(torch7.resnet, 200), images=False)


_register_all()
