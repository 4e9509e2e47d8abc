"""What tells one R-CNN from another."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """A configuration of detectron2, by what changes its work.

    ``style`` is where regions are pooled: "c4", "dc5" or "fpn". ``task`` is "rpn" (proposals alone), "fast" (proposals
    given), "faster", "mask" or "panoptic". ``norm`` is of the backbone ("frozen", "group", "batch"), ``head_norm`` of
    the pyramid and heads ("" for none). ``deformable`` are the stages with deformable 3x3 convolutions.
    """

    style: str
    task: str
    depth: int = 50
    groups: int = 1
    group_width: int = 64
    classes: int = 80
    early_stride: bool = True
    norm: str = "frozen"
    pyramid_norm: str = ""
    head_norm: str = ""
    mask_norm: str = ""
    frozen_stages: int = 2
    box_convolutions: int = 0
    mask_convolutions: int = 4
    proposal_convolutions: int = 1
    cascade: bool = False
    agnostic: bool = False
    deformable: tuple[int, ...] = ()
    train_proposals: int = 1000
    timm_backbone: str = ""
