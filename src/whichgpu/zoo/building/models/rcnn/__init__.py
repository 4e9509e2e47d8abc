"""The R-CNN family as detectron2 runs it: backbones, region proposals, heads; how many boxes survive is assumed."""

from whichgpu.zoo.building.models.rcnn.design import Design
from whichgpu.zoo.building.models.rcnn.network import Rcnn

__all__ = ["Design", "Rcnn"]
