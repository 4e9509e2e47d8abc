"""Scripts that only TensorFlow can run, where it is installed: their step as TensorFlow traces it, never run."""

from __future__ import annotations

import os

from whichgpu.capturing.following import Follower


def load() -> Follower:
    """The follower, with TensorFlow loaded and Keras on it; takes seconds."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from whichgpu.capturing.tensorflow_scripts.follower import TensorFlowFollower

    return TensorFlowFollower()
