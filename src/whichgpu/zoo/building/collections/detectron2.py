"""detectron2's R-CNN family by the names of its configurations (facebookresearch/detectron2, configs).

Inference runs on a COCO image scaled to a shorter side of 800: 640x480 becomes 1067x800 and 640x427 becomes 1199x800,
so 1120 stands for the mean. Training holds its peak of memory at the longest images, 1333 padded to 1344. Counts of
detectron2's own are not published: they are torchvision's, where it has the network, less eleven classes.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import torch

from whichgpu.zoo.building.blueprint import Blueprint, Build, inference, register, training
from whichgpu.zoo.building.models.rcnn import Design, Rcnn
from whichgpu.zoo.building.models.rcnn.network import inputs

Size = tuple[int, int]
_TESTED: Final[Size] = (800, 1120)
_TRAINED: Final[Size] = (800, 1344)


def _build(design: Design, size: Size, shown: Size) -> Build:
    def build(images: int) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
        return Rcnn(design, shown), inputs(images, *size)

    return build


def _add(
    names: str,
    design: Design,
    *,
    tested: Size = _TESTED,
    trained: Size = _TRAINED,
    shown: Size = (480, 640),
    published: str = "",
    source: str = "configs/*/{}.yaml",
) -> None:
    for name in names.split():
        train, test = _build(design, trained, shown), _build(design, tested, shown)
        register(
            Blueprint(
                name=f"detectron2-{name}",
                category="segmentation" if design.task in ("mask", "panoptic") else "detection",
                family="detection",
                source="facebookresearch/detectron2, " + source.format(name),
                published=published,
                graphs={"train": training(train), "infer": inference(test)},
                block=f"detectron2-{design.style}",
                input=f"3x{tested[0]}x{tested[1]}; trained on 3x{trained[0]}x{trained[1]}",
                batch_size=2,
                batches=(13, 17),
            )
        )


_FASTER: Final = Design(style="fpn", task="faster")
_MASK: Final = Design(style="fpn", task="mask")
_X101: Final[dict[str, Any]] = {"depth": 101, "groups": 32, "group_width": 8, "early_stride": False}
_WIDE_HEADS: Final = dataclasses.replace(
    _MASK, pyramid_norm="batch", head_norm="batch", mask_norm="batch", box_convolutions=4, frozen_stages=0
)


def _register_boxes() -> None:
    c4 = Design(style="c4", task="faster")
    dc5 = Design(style="dc5", task="faster")
    _add("rpn_R_50_FPN_1x", Design(style="fpn", task="rpn"))
    _add("rpn_R_50_C4_1x", Design(style="c4", task="rpn"))
    _add("fast_rcnn_R_50_FPN_1x", Design(style="fpn", task="fast"))
    # torchvision's fasterrcnn_resnet50_fpn has 41 755 286 parameters: 91 classes instead of 81, each five outputs of
    # 1024 features and a bias.
    _add("faster_rcnn_R_50_FPN_1x faster_rcnn_R_50_FPN_3x", _FASTER, published=str(41755286 - 54 * 1025))
    _add("faster_rcnn_R_101_FPN_3x", dataclasses.replace(_FASTER, depth=101))
    _add("faster_rcnn_X_101_32x8d_FPN_3x", dataclasses.replace(_FASTER, **_X101))
    _add("faster_rcnn_R_50_C4_1x faster_rcnn_R_50_C4_3x", c4)
    _add("faster_rcnn_R_50_C4", dataclasses.replace(c4, classes=20), source="configs/PascalVOC-Detection/{}.yaml")
    _add("faster_rcnn_R_101_C4_3x", dataclasses.replace(c4, depth=101))
    _add("faster_rcnn_R_50_DC5_1x faster_rcnn_R_50_DC5_3x", dc5)
    _add("faster_rcnn_R_101_DC5_3x", dataclasses.replace(dc5, depth=101))


def _register_masks() -> None:
    c4 = Design(style="c4", task="mask")
    dc5 = Design(style="dc5", task="mask")
    cascade = dataclasses.replace(_MASK, cascade=True, agnostic=True, train_proposals=2000)
    group: dict[str, Any] = {"norm": "group", "pyramid_norm": "group", "head_norm": "group", "mask_norm": "group"}
    batch: dict[str, Any] = {"norm": "batch", "pyramid_norm": "batch", "head_norm": "batch", "mask_norm": "batch"}
    later: dict[str, Any] = {"early_stride": False, "box_convolutions": 4}
    # torchvision's maskrcnn_resnet50_fpn has 44 401 393: its masks too have 91 instead of 80 classes, of 256 features.
    published = str(44401393 - 54 * 1025 - 11 * 257)
    _add("mask_rcnn_R_50_FPN_1x mask_rcnn_R_50_FPN_3x", _MASK, published=published)
    _add("mask_rcnn_R_101_FPN_3x", dataclasses.replace(_MASK, depth=101))
    _add("mask_rcnn_X_101_32x8d_FPN_3x", dataclasses.replace(_MASK, **_X101))
    # These two names are LVIS' alone; that of R_50_FPN_1x is COCO's as well. LVIS 0.5 has 1230 classes.
    lvis: dict[str, Any] = {"source": "configs/LVISv0.5-InstanceSegmentation/{}.yaml"}
    _add("mask_rcnn_R_101_FPN_1x", dataclasses.replace(_MASK, depth=101, classes=1230), **lvis)
    _add("mask_rcnn_X_101_32x8d_FPN_1x", dataclasses.replace(_MASK, **_X101, classes=1230), **lvis)
    _add("mask_rcnn_R_50_C4_1x mask_rcnn_R_50_C4_3x", c4)
    _add("mask_rcnn_R_101_C4_3x", dataclasses.replace(c4, depth=101))
    _add("mask_rcnn_R_50_DC5_1x mask_rcnn_R_50_DC5_3x", dc5)
    _add("mask_rcnn_R_101_DC5_3x", dataclasses.replace(dc5, depth=101))
    _add("cascade_mask_rcnn_R_50_FPN_1x cascade_mask_rcnn_R_50_FPN_3x", cascade)
    deformable = dataclasses.replace(_MASK, deformable=(3, 4, 5))
    _add("mask_rcnn_R_50_FPN_1x_dconv_c3-c5 mask_rcnn_R_50_FPN_3x_dconv_c3-c5", deformable)
    _add("mask_rcnn_R_50_FPN_3x_gn", dataclasses.replace(_MASK, **group, **later))
    _add("mask_rcnn_R_50_FPN_3x_syncbn", dataclasses.replace(_MASK, **batch, **later))
    scratch = "scratch_mask_rcnn_R_50_FPN_3x_gn scratch_mask_rcnn_R_50_FPN_9x_gn"
    _add(scratch, dataclasses.replace(_MASK, **group, **later, frozen_stages=0))
    _add("scratch_mask_rcnn_R_50_FPN_9x_syncbn", dataclasses.replace(_MASK, **batch, **later, frozen_stages=0))
    cityscapes = dataclasses.replace(_MASK, classes=8)
    sizes: dict[str, Any] = {"tested": (1024, 2048), "trained": (1024, 2048), "shown": (1024, 2048)}
    _add("mask_rcnn_R_50_FPN", cityscapes, **sizes, source="configs/Cityscapes/{}.yaml")
    large = dataclasses.replace(
        cascade,
        **{**_X101, "depth": 152},
        deformable=(3, 4, 5),
        box_convolutions=4,
        mask_convolutions=8,
        head_norm="group",
        mask_norm="group",
    )
    _add("cascade_mask_rcnn_X_152_32x8d_FPN_IN5k_gn_dconv", large, trained=(864, 1440))


def _register_panoptic() -> None:
    panoptic = Design(style="fpn", task="panoptic")
    _add("panoptic_fpn_R_50_1x panoptic_fpn_R_50_3x", panoptic)
    _add("panoptic_fpn_R_101_3x", dataclasses.replace(panoptic, depth=101))
    large = dataclasses.replace(
        panoptic,
        depth=101,
        norm="group",
        pyramid_norm="group",
        mask_norm="group",
        early_stride=False,
        deformable=(3, 4, 5),
        cascade=True,
        agnostic=True,
        train_proposals=2000,
    )
    _add("panoptic_fpn_R_101_dconv_cascade_gn_3x", large)


def _register_jittered() -> None:
    """The new baselines: trained from scratch on 1024x1024 crops, two convolutions of proposals, norms everywhere."""
    base = dataclasses.replace(_WIDE_HEADS, norm="batch", early_stride=False, proposal_convolutions=2)
    source, crops = "configs/new_baselines/{}.py", (1024, 1024)
    for name, design in (
        ("R_50", base),
        ("R_101", dataclasses.replace(base, depth=101)),
        ("regnetx_4gf_dds", dataclasses.replace(base, timm_backbone="regnetx_040")),
        ("regnety_4gf_dds", dataclasses.replace(base, timm_backbone="regnety_040")),
    ):
        names = " ".join(f"mask_rcnn_{name}_FPN_{epochs}ep_LSJ" for epochs in (100, 200, 400))
        _add(names, design, trained=crops, source=source)


_register_boxes()
_register_masks()
_register_panoptic()
_register_jittered()
