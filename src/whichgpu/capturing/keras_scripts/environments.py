"""Environments of Gym and Gymnasium by their spaces: one step ends an episode, and nothing moves.

Sizes of observations and actions are those of Gymnasium's documentation (https://gymnasium.farama.org/environments/).
What a simulator computes is no part of a graph.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from whichgpu.capturing.keras_scripts.stubs import PARTS, Attributes, Stub

SPACES: Final[dict[str, tuple[tuple[int, ...], int, tuple[int, ...]]]] = {
    # environment without its version: shape of an observation, number of actions, shape of a continuous action
    "CartPole": ((4,), 2, ()),
    "Acrobot": ((6,), 3, ()),
    "MountainCar": ((2,), 3, ()),
    "MountainCarContinuous": ((2,), 0, (1,)),
    "Pendulum": ((3,), 0, (1,)),
    "LunarLander": ((8,), 4, ()),
    "LunarLanderContinuous": ((8,), 0, (2,)),
    "BipedalWalker": ((24,), 0, (4,)),
    "CarRacing": ((96, 96, 3), 0, (3,)),
    "FrozenLake": ((), 4, ()),
    "Taxi": ((), 6, ()),
    "HalfCheetah": ((17,), 0, (6,)),
    "Hopper": ((11,), 0, (3,)),
    "Walker2d": ((17,), 0, (6,)),
    "Ant": ((105,), 0, (8,)),
    "Humanoid": ((348,), 0, (17,)),
    "Breakout": ((210, 160, 3), 4, ()),
    "BreakoutNoFrameskip": ((210, 160, 3), 4, ()),
    "Pong": ((210, 160, 3), 6, ()),
    "PongNoFrameskip": ((210, 160, 3), 6, ()),
}


class Environment:
    """An environment whose every episode is one step long; ``new`` is the interface of Gymnasium and Gym 0.26."""

    def __init__(self, name: str, *, new: bool) -> None:
        self._shape, actions, action_shape = SPACES[name]
        self._new = new
        self.observation_space = _space(self._shape, 16 if not self._shape else 0)
        self.action_space = _space(action_shape, actions)
        self.spec = SimpleNamespace(id=name, max_episode_steps=200, reward_threshold=195.0)
        self.unwrapped = self

    def _observation(self) -> Any:
        return np.zeros(self._shape, dtype="uint8" if len(self._shape) == 3 else "float32") if self._shape else 0

    def reset(self, **options: Any) -> Any:
        """An observation, with notes beside it in the new interface."""
        return (self._observation(), {}) if self._new else self._observation()

    def step(self, action: Any) -> Any:
        """An observation after which the episode is over."""
        return (self._observation(), 1.0, True, *((False,) if self._new else ()), {})

    def seed(self, *arguments: Any) -> None:
        """Nothing."""

    render = close = seed


def _space(shape: tuple[int, ...], choices: int) -> Any:
    bound = np.ones(shape, dtype="float32")
    sample = 0 if choices else np.zeros(shape, dtype="float32")
    space = SimpleNamespace(
        shape=() if choices else shape, high=bound, low=-bound, sample=lambda: sample, seed=lambda *_: 0
    )
    if choices:
        space.n = choices
    return space


def _interface(*, new: bool) -> Attributes:
    def make(name: str, **options: Any) -> Any:
        known = name.split("/")[-1].rpartition("-v")[0] or name
        return Environment(known, new=new) if known in SPACES else Stub(name)

    return {"make": make}


def register() -> None:
    """Let the stubs of Gym and Gymnasium have these environments."""
    PARTS.update({"gym": lambda: _interface(new=False), "gymnasium": lambda: _interface(new=True)})
