"""Environments of reinforcement learning by their spaces, where Gymnasium is not installed.

Spaces are those that Gymnasium documents for each environment (https://gymnasium.farama.org/environments/).
An episode lasts ``EPISODE`` steps.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from whichgpu.capturing.keras_scripts.stubs import Attributes, Stub
from whichgpu.errors import Untraceable, nearest

EPISODE: Final = 100

Spaces = tuple[tuple[int, ...], int | tuple[int, ...]]
"""Shape of an observation; a number of actions, or the shape of a continuous one."""

KNOWN: Final[Mapping[str, Spaces]] = {
    "CartPole": ((4,), 2),
    "Acrobot": ((6,), 3),
    "MountainCar": ((2,), 3),
    "MountainCarContinuous": ((2,), (1,)),
    "Pendulum": ((3,), (1,)),
    "LunarLander": ((8,), 4),
    "LunarLanderContinuous": ((8,), (2,)),
    "BipedalWalker": ((24,), (4,)),
    "BipedalWalkerHardcore": ((24,), (4,)),
    "CarRacing": ((96, 96, 3), (3,)),
    "Ant": ((105,), (8,)),
    "HalfCheetah": ((17,), (6,)),
    "Hopper": ((11,), (3,)),
    "Humanoid": ((348,), (17,)),
    "InvertedPendulum": ((4,), (1,)),
    "InvertedDoublePendulum": ((9,), (1,)),
    "Reacher": ((10,), (2,)),
    "Swimmer": ((8,), (2,)),
    "Walker2d": ((17,), (6,)),
}


class Box:
    """A space of real numbers."""

    def __init__(self, low: Any = 0.0, high: Any = 1.0, shape: Any = None, dtype: Any = np.float32) -> None:
        self.shape = tuple(shape) if shape is not None else np.shape(low)
        self.dtype = np.dtype(dtype)
        self.low, self.high = np.full(self.shape, -1.0, dtype), np.full(self.shape, 1.0, dtype)

    def sample(self) -> Any:
        """A point of the space."""
        return np.zeros(self.shape, self.dtype)

    def seed(self, seed: Any = None) -> None:
        """Nothing is random."""


class Discrete:
    """A space of ``n`` choices."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.shape: tuple[int, ...] = ()
        self.dtype = np.dtype("int64")

    def sample(self) -> int:
        """The first choice."""
        return 0

    def seed(self, seed: Any = None) -> None:
        """Nothing is random."""


class Environment:
    """An environment that always shows the same, and ends an episode after its steps."""

    def __init__(self, name: str, observation: Any, action: Any) -> None:
        self.spec = types.SimpleNamespace(id=name, max_episode_steps=EPISODE, reward_threshold=float("inf"))
        self.observation_space, self.action_space = observation, action
        self.single_observation_space, self.single_action_space = observation, action
        self.unwrapped = self
        self._old = False
        self._step = 0

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        """The first observation, and what else is known of it."""
        self._step = 0
        observation = self.observation_space.sample()
        return observation if self._old else (observation, {})

    def step(self, action: Any) -> tuple[Any, ...]:
        """Observation, reward, whether the episode is over, and what else is known."""
        self._step += 1
        over = self._step >= EPISODE
        observation = self.observation_space.sample()
        return (observation, 1.0, over, {}) if self._old else (observation, 1.0, over, False, {})

    def seed(self, seed: Any = None) -> None:
        """Nothing is random; only releases before 0.26, whose answers are shorter, had this."""
        self._old = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *arguments, **options: None


def make(name: Any, *arguments: Any, **options: Any) -> Environment:
    """The environment called ``name``; raises Untraceable for one whose spaces are not known."""
    bare = str(name).rpartition("/")[2].rpartition("-v")[0] or str(name)
    spaces = KNOWN.get(bare)
    if spaces is None:
        raise Untraceable(
            "the spaces of the environment {environment} are not known, and gymnasium is not installed",
            environment=str(name),
            hint="install gymnasium where whichgpu is installed (nearest of the known ones: {close})",
            close=nearest(bare, KNOWN) or "CartPole",
        )
    observation, action = spaces
    chosen: Any = Discrete(action) if isinstance(action, int) else Box(shape=action)
    return Environment(str(name), Box(shape=observation), chosen)


def module() -> Attributes:
    """What of Gymnasium is at hand."""
    wrappers = Stub("gymnasium.wrappers")
    spaces = types.SimpleNamespace(Box=Box, Discrete=Discrete)
    return {"make": make, "spaces": spaces, "wrappers": wrappers, "Env": Environment, "Wrapper": object}
