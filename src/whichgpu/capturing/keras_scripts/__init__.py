"""Keras scripts followed to the training step of their model."""

from __future__ import annotations

import os

from whichgpu.capturing.following import Follower


def load() -> Follower:
    """The follower, with Keras loaded on its Torch backend; takes seconds."""
    os.environ["KERAS_BACKEND"] = "torch"
    os.environ["KERAS_TORCH_DEVICE"] = "cpu"
    from whichgpu.capturing.keras_scripts.follower import KerasFollower

    return KerasFollower()
