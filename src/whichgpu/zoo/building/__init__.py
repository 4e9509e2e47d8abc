"""Builds what the zoo ships: models as blueprints, captured and packed by ``python -m whichgpu.zoo.building``.

The only part of the zoo that needs PyTorch and the libraries of the ``zoo`` extra.
"""

from whichgpu.zoo.building.blueprint import Blueprint, blueprints, inference, register, training, variants

__all__ = ["Blueprint", "blueprints", "inference", "register", "training", "variants"]
