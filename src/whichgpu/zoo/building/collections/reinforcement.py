"""Reinforcement learning: an agent's networks and one update of them; the simulator is outside.

Sizes are those of Stable-Baselines3 and CleanRL, which follow the papers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from whichgpu.zoo.building.blueprint import Blueprint, Capture, register
from whichgpu.zoo.building.steps import Step, step

Network = Callable[[], nn.Module]


def _dense(*widths: int, activation: type[nn.Module] = nn.Tanh) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), activation()]
    return nn.Sequential(*layers[:-1])


def _pixels() -> nn.Sequential:
    """The convolutions of DQN on four 84x84 frames (Mnih 2015)."""
    layers = [nn.Conv2d(4, 32, 8, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 2), nn.ReLU(), nn.Conv2d(64, 64, 3, 1), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(3136, 512), nn.ReLU())


class _ActorCritic(nn.Module):
    """A shared or two separate bodies under a policy and a value."""

    def __init__(self, bodies: list[nn.Module], width: int, actions: int) -> None:
        super().__init__()
        self.bodies = nn.ModuleList(bodies)
        self.policy, self.value = nn.Linear(width, actions), nn.Linear(width, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits or means [batch, actions] and values [batch]."""
        return self.policy(self.bodies[0](x)), self.value(self.bodies[-1](x)).squeeze(1)


def _policy_gradient(make: Callable[[], _ActorCritic], shape: tuple[int, ...], *, clipped: bool) -> Capture:
    """One minibatch of PPO (Schulman 2017) or A2C: policy, value and entropy."""

    def made(batch: int) -> Step:
        agent = make()
        seen, gains, before = torch.zeros(batch, *shape), torch.zeros(batch), torch.zeros(batch)

        def run() -> None:
            logits, values = agent(seen)
            chances = functional.log_softmax(logits, -1)
            chosen = chances.gather(1, torch.zeros(batch, 1, dtype=torch.long)).squeeze(1)
            entropy = -(chances.exp() * chances).sum(-1).mean()
            if clipped:
                ratio = (chosen - before).exp()
                policy = -torch.min(ratio * gains, ratio.clamp(0.8, 1.2) * gains).mean()
            else:
                policy = -(chosen * gains).mean()
            (policy + 0.5 * functional.mse_loss(values, gains) - 0.01 * entropy).backward()

        return Step(modules=[agent], inputs=[seen, gains, before], run=run)

    return step(made)


def _q_learning(make: Network, shape: tuple[int, ...]) -> Capture:
    """One update of DQN with its target network."""

    def made(batch: int) -> Step:
        online, target = make(), make().requires_grad_(False)
        seen, then, rewards = torch.zeros(batch, *shape), torch.zeros(batch, *shape), torch.zeros(batch)

        def run() -> None:
            with torch.no_grad():
                wanted = rewards + 0.99 * target(then).max(1)[0]
            chosen = online(seen).gather(1, torch.zeros(batch, 1, dtype=torch.long)).squeeze(1)
            functional.smooth_l1_loss(chosen, wanted).backward()

        return Step(modules=[online, target], inputs=[seen, then, rewards], run=run)

    return step(made)


def _actor_critic_update(observations: int, actions: int, hidden: int, *, soft: bool) -> Capture:
    """One update of SAC (Haarnoja 2018) or TD3 (Fujimoto 2018): two critics, their targets, and the actor."""

    def critic() -> nn.Module:
        return _dense(observations + actions, hidden, hidden, 1, activation=nn.ReLU)

    def made(batch: int) -> Step:
        actor = _dense(observations, hidden, hidden, actions * (2 if soft else 1), activation=nn.ReLU)
        critics, targets = [critic(), critic()], [critic().requires_grad_(False) for _ in range(2)]
        seen, done = torch.zeros(batch, observations), torch.zeros(batch, actions)
        then, rewards = torch.zeros(batch, observations), torch.zeros(batch, 1)

        def act(where: torch.Tensor) -> torch.Tensor:
            made = actor(where)
            if not soft:
                return torch.tanh(made)
            mean, spread = made.chunk(2, -1)
            return torch.tanh(mean + spread.clamp(-20, 2).exp() * torch.randn_like(mean))

        def run() -> None:
            with torch.no_grad():
                pair = torch.cat([then, act(then)], 1)
                wanted = rewards + 0.99 * torch.min(targets[0](pair), targets[1](pair))
            pair = torch.cat([seen, done], 1)
            (functional.mse_loss(critics[0](pair), wanted) + functional.mse_loss(critics[1](pair), wanted)).backward()
            pair = torch.cat([seen, act(seen)], 1)
            (-torch.min(critics[0](pair), critics[1](pair)).mean()).backward()
            for ours, theirs in zip(critics, targets, strict=True):
                for new, old in zip(ours.parameters(), theirs.parameters(), strict=True):
                    old.lerp(new.detach(), 0.005)

        return Step(modules=[actor, *critics, *targets], inputs=[seen, done, then, rewards], run=run)

    return step(made)


def _register(name: str, source: str, capture: Capture, what: str, batch_size: int) -> None:
    register(
        Blueprint(
            name=name,
            category="reinforcement-learning",
            family="mlp" if "features" in what else "cnn",
            source=source,
            published="",
            graphs={"train": capture},
            block="reinforcement",
            input=what,
            batch_size=batch_size,
            optimizer="adam",
        )
    )


def _walker() -> _ActorCritic:
    return _ActorCritic([_dense(24, 64, 64, 64), _dense(24, 64, 64, 64)], 64, 4)


def _legged() -> _ActorCritic:
    bodies: list[nn.Module] = [_dense(48, 512, 256, 128, 128, activation=nn.ELU) for _ in range(2)]
    return _ActorCritic(bodies, 128, 12)


def _atari() -> _ActorCritic:
    return _ActorCritic([_pixels()], 512, 6)


def _register_all() -> None:
    walker, atari = "24 features of a walker, 4 actions", "4x84x84, 6 actions"
    robot = "48 features of a legged robot, 12 actions"
    sb3, cleanrl = "DLR-RM/stable-baselines3, {}", "vwxyzjn/cleanrl, {}"
    _register("ppo-walker", sb3.format("PPO MlpPolicy"), _policy_gradient(_walker, (24,), clipped=True), walker, 64)
    _register(
        "ppo-legged-robot",
        "leggedrobotics/rsl_rl, 512-256-128",
        _policy_gradient(_legged, (48,), clipped=True),
        robot,
        24576,
    )
    _register("ppo-atari", cleanrl.format("ppo_atari"), _policy_gradient(_atari, (4, 84, 84), clipped=True), atari, 256)
    _register("a2c-atari", sb3.format("A2C CnnPolicy"), _policy_gradient(_atari, (4, 84, 84), clipped=False), atari, 80)
    dqn = _q_learning(lambda: nn.Sequential(_pixels(), nn.Linear(512, 6)), (4, 84, 84))
    _register("dqn-atari", "Mnih 2015; vwxyzjn/cleanrl, dqn_atari", dqn, atari, 32)
    small = _q_learning(lambda: _dense(4, 120, 84, 2, activation=nn.ReLU), (4,))
    _register("dqn-cartpole", cleanrl.format("dqn"), small, "4 features of a pole, 2 actions", 128)
    body = "17 features of a half cheetah, 6 actions"
    _register(
        "sac-half-cheetah", "Haarnoja 2018, two layers of 256", _actor_critic_update(17, 6, 256, soft=True), body, 256
    )
    _register(
        "td3-half-cheetah", "Fujimoto 2018, two layers of 256", _actor_critic_update(17, 6, 256, soft=False), body, 256
    )


_register_all()
