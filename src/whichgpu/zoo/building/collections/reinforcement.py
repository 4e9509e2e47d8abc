"""Reinforcement learning: an agent's networks and one update of them; the simulator is outside.

Sizes are those of Stable-Baselines3 and CleanRL, which follow the papers.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from whichgpu.capturing.losses import labels
from whichgpu.zoo.building.blueprint import Blueprint, Capture, register, training
from whichgpu.zoo.building.models.agents import ActorCritic, Dream, Rainbow, WorldModel, body, dense, pixels
from whichgpu.zoo.building.steps import Step, repeated, step

Network = Callable[[], nn.Module]


def _policy_gradient(make: Callable[[], ActorCritic], shape: tuple[int, ...], *, clipped: bool) -> Capture:
    """One minibatch of PPO (Schulman 2017) or A2C: policy, value and entropy."""

    def made(batch: int) -> Step:
        agent = make()
        seen, gains, before = torch.zeros(batch, *shape), torch.zeros(batch), torch.zeros(batch)

        def run() -> None:
            made, values = agent(seen)
            chosen, entropy = _likelihood(made, agent.spread)
            if clipped:
                ratio = (chosen - before).exp()
                policy = -torch.min(ratio * gains, ratio.clamp(0.8, 1.2) * gains).mean()
            else:
                policy = -(chosen * gains).mean()
            (policy + 0.5 * functional.mse_loss(values, gains) - 0.01 * entropy).backward()

        return Step(modules=[agent], inputs=[seen, gains, before], run=run)

    return step(made)


def _likelihood(made: torch.Tensor, spread: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Log likelihoods [batch] of the actions that were taken, and the entropy: of a choice, or of Gaussians."""
    if spread is not None:
        apart = (torch.zeros_like(made) - made) * (-spread).exp()
        return (-0.5 * apart.square() - spread).sum(-1), spread.sum()
    chances = functional.log_softmax(made, -1)
    chosen = chances.gather(1, labels((made.shape[0], 1))).squeeze(1)
    return chosen, -(chances.exp() * chances).sum(-1).mean()


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


def _distributional(batch: int) -> Step:
    """One update of Rainbow (Hessel 2018): the target's distribution, spread over the atoms, for the online network."""
    online, target = Rainbow(6), Rainbow(6).requires_grad_(False)
    seen, then, rewards = torch.zeros(batch, 4, 84, 84), torch.zeros(batch, 4, 84, 84), torch.zeros(batch, 1)
    atoms = torch.zeros(1, 51)

    def run() -> None:
        with torch.no_grad():
            best = (online(then).exp() * atoms).sum(-1).argmax(1).view(-1, 1, 1).expand(-1, 1, 51)
            chances = target(then).exp().gather(1, best).squeeze(1)
            places = (rewards + 0.97 * atoms).clamp(-10, 10).add(10).div(0.4)
            below = places.floor()
            spread = torch.zeros(batch, 51)
            for where, share in ((below, below + 1 - places), (below + 1, places - below)):
                spread = spread.scatter_add(1, where.clamp(0, 50).long(), chances * share)
        taken = online(seen).gather(1, labels((batch, 1, 1)).expand(-1, 1, 51)).squeeze(1)
        (-(spread * taken).sum(-1)).mean().backward()

    return Step(modules=[online, target], inputs=[seen, then, rewards, atoms], run=run)


def _actor_critic_update(observations: int, actions: int, hidden: int, *, soft: bool) -> Capture:
    """One update of SAC (Haarnoja 2018) or TD3 (Fujimoto 2018): two critics, their targets, and the actor.

    TD3's actor has a target, too, and is updated every second time.
    """

    def critic() -> nn.Module:
        return dense(observations + actions, hidden, hidden, 1, activation=nn.ReLU)

    def made(batch: int) -> Step:
        actor = dense(observations, hidden, hidden, actions * (2 if soft else 1), activation=nn.ReLU)
        critics, targets = [critic(), critic()], [critic().requires_grad_(False) for _ in range(2)]
        slow = actor if soft else dense(observations, hidden, hidden, actions, activation=nn.ReLU).requires_grad_(False)
        seen, done = torch.zeros(batch, observations), torch.zeros(batch, actions)
        then, rewards = torch.zeros(batch, observations), torch.zeros(batch, 1)

        def act(where: torch.Tensor, policy: nn.Module = actor) -> torch.Tensor:
            made = policy(where)
            if not soft:
                return torch.tanh(made)
            mean, spread = made.chunk(2, -1)
            return torch.tanh(mean + spread.clamp(-20, 2).exp() * torch.randn_like(mean))

        def run() -> None:
            with torch.no_grad():
                chosen = act(then, slow)
                if not soft:
                    chosen = (chosen + (torch.randn_like(chosen) * 0.2).clamp(-0.5, 0.5)).clamp(-1, 1)
                pair = torch.cat([then, chosen], 1)
                wanted = rewards + 0.99 * torch.min(targets[0](pair), targets[1](pair))
            pair = torch.cat([seen, done], 1)
            (functional.mse_loss(critics[0](pair), wanted) + functional.mse_loss(critics[1](pair), wanted)).backward()
            with repeated(1.0 if soft else 0.5):
                pair = torch.cat([seen, act(seen)], 1)
                value = torch.min(critics[0](pair), critics[1](pair)) if soft else critics[0](pair)
                (-value.mean()).backward()
                moved = [*zip(critics, targets, strict=True), *([] if soft else [(actor, slow)])]
                for ours, theirs in moved:
                    for new, old in zip(ours.parameters(), theirs.parameters(), strict=True):
                        old.lerp(new.detach(), 0.005)

        networks = [actor, *critics, *targets, *([] if soft else [slow])]
        return Step(modules=networks, inputs=[seen, done, then, rewards], run=run)

    return step(made)


def _register(
    name: str, source: str, published: str, capture: Capture, what: str, batch_size: int, family: str = "mlp"
) -> None:
    register(
        Blueprint(
            name=name,
            category="reinforcement-learning",
            family=family,
            source=source,
            published=published,
            graphs={"train": capture},
            block="reinforcement",
            input=what,
            batch_size=batch_size,
            optimizer="adam",
        )
    )


def _walker() -> ActorCritic:
    return ActorCritic([body(24, 64, 64), body(24, 64, 64)], 64, 4, continuous=True)


def _legged() -> ActorCritic:
    bodies: list[nn.Module] = [body(48, 512, 256, 128, activation=nn.ELU) for _ in range(2)]
    return ActorCritic(bodies, 128, 12, continuous=True)


def _atari() -> ActorCritic:
    return ActorCritic([pixels()], 512, 6)


def _on_policy() -> None:
    sb3, cleanrl = "DLR-RM/stable-baselines3, {}", "vwxyzjn/cleanrl, {}"
    walker = _policy_gradient(_walker, (24,), clipped=True)
    what = "24 features of a walker, 4 actions"
    _register("ppo-walker", sb3.format("PPO MlpPolicy, two layers of 64"), "11849", walker, what, 64)
    pole = _policy_gradient(lambda: ActorCritic([body(4, 64, 64), body(4, 64, 64)], 64, 2), (4,), clipped=True)
    _register("ppo-cartpole", sb3.format("PPO MlpPolicy"), "9155", pole, "4 features of a pole, 2 actions", 64)
    robot = _policy_gradient(_legged, (48,), clipped=True)
    what = "48 features of a legged robot, 12 actions"
    _register("ppo-legged-robot", "leggedrobotics/rsl_rl, 512-256-128", "380313", robot, what, 24576)
    what = "4x84x84, 6 actions"
    clipped = _policy_gradient(_atari, (4, 84, 84), clipped=True)
    _register("ppo-atari", cleanrl.format("ppo_atari"), "1687719", clipped, what, 256, "cnn")
    plain = _policy_gradient(_atari, (4, 84, 84), clipped=False)
    _register("a2c-atari", sb3.format("A2C CnnPolicy"), "1687719", plain, what, 80, "cnn")


def _off_policy() -> None:
    """Counts are of the online and the target networks together."""
    what = "4x84x84, 6 actions"
    dqn = _q_learning(lambda: nn.Sequential(pixels(), nn.Linear(512, 6)), (4, 84, 84))
    _register("dqn-atari", "Mnih 2015; vwxyzjn/cleanrl, dqn_atari", "3374412", dqn, what, 32, "cnn")
    source = "Hessel 2018; Kaixhin/Rainbow"
    _register("rainbow-atari", source, "13737684", step(_distributional), what, 32, "cnn")
    small = _q_learning(lambda: dense(4, 120, 84, 2, activation=nn.ReLU), (4,))
    what = "4 features of a pole, 2 actions"
    _register("dqn-cartpole", "vwxyzjn/cleanrl, dqn", "21868", small, what, 128)
    what = "17 features of a half cheetah, 6 actions"
    soft, hard = (_actor_critic_update(17, 6, 256, soft=soft) for soft in (True, False))
    _register("sac-half-cheetah", "Haarnoja 2018, two layers of 256", "362256", soft, what, 256)
    _register("td3-half-cheetah", "Fujimoto 2018, two layers of 256", "432656", hard, what, 256)


def _world_models() -> None:
    seeing = training(lambda batch: (WorldModel(), (torch.zeros(batch, 3, 64, 64),)), lambda loss: loss)
    source = "Ha 2018, World Models, CarRacing: the autoencoder of frames"
    _register("world-model-vae", source, "4348547", seeing, "3x64x64", 100, "cnn")

    def series(batch: int) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
        return Dream(), (torch.zeros(batch, 999, 35), torch.zeros(batch, 999, 32, 1))

    source = "Ha 2018, World Models, CarRacing: the memory, with the second bias of the libraries' cells (1 024)"
    dreaming = training(series, lambda loss: loss)
    _register("world-model-rnn", source, "423392", dreaming, "999 steps of 35 features", 100, "rnn")


_on_policy()
_off_policy()
_world_models()
