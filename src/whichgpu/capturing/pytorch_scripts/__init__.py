"""PyTorch scripts followed to their first optimizer step."""

from __future__ import annotations

from whichgpu.capturing.following import Follower


def load() -> Follower:
    """The follower, with PyTorch loaded; takes seconds."""
    from whichgpu.capturing.pytorch_scripts.follower import PyTorchFollower

    return PyTorchFollower()
