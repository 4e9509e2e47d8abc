"""Environments of Gym and Gymnasium by their spaces, where neither is installed: nothing moves.

Spaces are those that Gymnasium documents for each environment (https://gymnasium.farama.org/environments/).
What a simulator computes is no part of a graph.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from whichgpu.capturing.stand_ins.stubs import Attributes, Stub
from whichgpu.errors import Untraceable, nearest

Space = int | tuple[int, ...]
"""A number of choices, or the shape of a box."""

SPACES: Final[Mapping[str, tuple[Space, Space]]] = {
    # environment without its version: what is observed, what may be done
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
    "FrozenLake": (16, 4),
    "Taxi": (500, 6),
    "Ant": ((105,), (8,)),
    "HalfCheetah": ((17,), (6,)),
    "Hopper": ((11,), (3,)),
    "Humanoid": ((348,), (17,)),
    "InvertedPendulum": ((4,), (1,)),
    "InvertedDoublePendulum": ((9,), (1,)),
    "Reacher": ((10,), (2,)),
    "Swimmer": ((8,), (2,)),
    "Walker2d": ((17,), (6,)),
    "Breakout": ((210, 160, 3), 4),
    "BreakoutNoFrameskip": ((210, 160, 3), 4),
    "Pong": ((210, 160, 3), 6),
    "PongNoFrameskip": ((210, 160, 3), 6),
}


class Box:
    """A space of real numbers, or of pixels."""

    def __init__(self, low: Any = -1.0, high: Any = 1.0, shape: Any = None, dtype: Any = np.float32) -> None:
        self.shape = tuple(shape) if shape is not None else np.shape(low)
        self.dtype = np.dtype(dtype)
        self.low, self.high = (np.broadcast_to(np.asarray(bound, dtype), self.shape) for bound in (low, high))

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
    """An environment that always shows the same, and ends an episode after ``episode_steps``.

    ``short`` answers are those of Gym before 0.26: an observation at first, and four values of a step.
    """

    def __init__(self, name: str, observation: Any, action: Any, *, episode_steps: int, short: bool) -> None:
        self.spec = types.SimpleNamespace(id=name, max_episode_steps=episode_steps, reward_threshold=float("inf"))
        self.observation_space, self.action_space = observation, action
        self.single_observation_space, self.single_action_space = observation, action
        self.unwrapped = self
        self._short = short
        self._step = 0

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        """The first observation, and what else is known of it."""
        self._step = 0
        observation = self.observation_space.sample()
        return observation if self._short else (observation, {})

    def step(self, action: Any) -> tuple[Any, ...]:
        """Observation, reward, whether the episode is over, and what else is known."""
        self._step += 1
        over = self._step >= self.spec.max_episode_steps
        observation = self.observation_space.sample()
        return (observation, 1.0, over, {}) if self._short else (observation, 1.0, over, False, {})

    def seed(self, seed: Any = None) -> None:
        """Nothing is random; only releases before 0.26, whose answers are shorter, had this."""
        self._short = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *arguments, **options: None


def refused(name: str) -> Any:
    """Nothing: raises Untraceable for an environment whose spaces are not known."""
    raise Untraceable(
        "the spaces of the environment {environment} are not known, and gymnasium is not installed",
        environment=name,
        hint="install gymnasium where whichgpu is installed (nearest of the known ones: {close})",
        close=nearest(_bare(name), SPACES) or "CartPole",
    )


def module(*, episode_steps: int, short: bool = False, unknown: Callable[[str], Any] = refused) -> Attributes:
    """What of Gym is at hand, with episodes of so many steps; ``unknown`` answers for other environments."""

    def make(name: Any, *arguments: Any, **options: Any) -> Any:
        spaces = SPACES.get(_bare(str(name)))
        if spaces is None:
            return unknown(str(name))
        observed, done = (_space(space) for space in spaces)
        return Environment(str(name), observed, done, episode_steps=episode_steps, short=short)

    return {
        "make": make,
        "spaces": types.SimpleNamespace(Box=Box, Discrete=Discrete),
        "wrappers": Stub("gymnasium.wrappers"),
        "Env": Environment,
        "Wrapper": object,
    }


def _bare(name: str) -> str:
    return name.rpartition("/")[2].rpartition("-v")[0] or name


def _space(space: Space) -> Box | Discrete:
    if isinstance(space, int):
        return Discrete(space)
    return Box(0, 255, space, np.uint8) if len(space) == 3 else Box(shape=space)
