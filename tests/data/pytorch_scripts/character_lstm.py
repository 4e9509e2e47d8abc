"""A language model of characters: batches cut by hand, steps in front, weights changed without an optimizer."""
import torch
from torch import nn

text = "the quick brown fox jumps over the lazy dog " * 50
chars = sorted(set(text))
index = {c: i for i, c in enumerate(chars)}
data = torch.tensor([index[c] for c in text])
batch_size, bptt, lr = 10, 12, 0.5
data = data[: len(data) // batch_size * batch_size].view(batch_size, -1).t().contiguous()


class Characters(nn.Module):
    def __init__(self, count):
        super().__init__()
        self.embed = nn.Embedding(count, 16)
        self.lstm = nn.LSTM(16, 24, 2, dropout=0.2)
        self.out = nn.Linear(24, count)

    def forward(self, x, state):
        y, state = self.lstm(self.embed(x), state)
        return self.out(y), state


model = Characters(len(chars))
loss_fn = nn.CrossEntropyLoss()
state = (torch.zeros(2, batch_size, 24), torch.zeros(2, batch_size, 24))
model.train()
for epoch in range(2):
    for i in range(0, data.size(0) - 1 - bptt, bptt):
        state = tuple(s.detach() for s in state)
        model.zero_grad()
        output, state = model(data[i : i + bptt], state)
        loss = loss_fn(output.view(-1, len(chars)), data[i + 1 : i + 1 + bptt].reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        with torch.no_grad():
            for p in model.parameters():
                p.add_(p.grad, alpha=-lr)
