"""Q-learning with a replay memory: acts one state at a time, learns from batches, keeps a slow copy."""
import random
from collections import deque

import gymnasium as gym
import torch
from torch import nn

env = gym.make("CartPole-v1")
BATCH_SIZE, GAMMA, TAU = 32, 0.99, 0.005
device = torch.device("cuda")
n_actions, (state, _) = env.action_space.n, env.reset()


class Q(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(len(state), 24), nn.ReLU(), nn.Linear(24, n_actions))

    def forward(self, x):
        return self.layers(x)


policy, target = Q().to(device), Q().to(device)
target.load_state_dict(policy.state_dict())
optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-4, amsgrad=True)
memory = deque(maxlen=1000)


def act(state):
    if random.random() > 0.2:
        with torch.no_grad():
            return policy(state).max(1).indices.view(1, 1)
    return torch.tensor([[env.action_space.sample()]], device=device, dtype=torch.long)


def learn():
    if len(memory) < BATCH_SIZE:
        return
    states, actions, rewards, following = zip(*random.sample(memory, BATCH_SIZE))
    states, actions, rewards, following = torch.cat(states), torch.cat(actions), torch.cat(rewards), torch.cat(following)
    values = policy(states).gather(1, actions)
    with torch.no_grad():
        best = target(following).max(1).values
    loss = nn.SmoothL1Loss()(values, (best * GAMMA + rewards).unsqueeze(1))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_value_(policy.parameters(), 100)
    optimizer.step()


for episode in range(50):
    state, _ = env.reset()
    state = torch.tensor(state, dtype=torch.float32, device=device).unsqueeze(0)
    done = False
    while not done:
        action = act(state)
        observation, reward, terminated, truncated, _ = env.step(action.item())
        done = terminated or truncated
        following = torch.tensor(observation, dtype=torch.float32, device=device).unsqueeze(0)
        memory.append((state, action, torch.tensor([reward], device=device), following))
        state = following
        learn()
        for slow, fast in zip(target.parameters(), policy.parameters()):
            slow.data.lerp_(fast.data, TAU)
