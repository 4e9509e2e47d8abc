"""A frozen body whose features are computed once, and a head trained on them; a closure for its optimizer."""
import torch
from torch import nn

body = nn.Sequential(nn.Linear(64, 128), nn.ReLU()).requires_grad_(False).eval()
head = nn.Linear(128, 2)
images, labels = torch.rand(30, 64), torch.randint(0, 2, (30,))
with torch.no_grad():
    features = body(images)
optimizer = torch.optim.LBFGS(head.parameters(), lr=0.5)
for epoch in range(8):

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(head(features), labels)
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    print(f"{epoch}: {loss.item()}")
