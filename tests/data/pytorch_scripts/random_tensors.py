"""Regression on random numbers: no loader, the whole data every time, the loss before zero_grad."""
import torch

N, D_in, H, D_out = 48, 100, 30, 7
x = torch.randn(N, D_in, device="cuda")
y = torch.randn(N, D_out, device="cuda")
x = (x - x.mean(0)) / x.std(0)
model = torch.nn.Sequential(torch.nn.Linear(D_in, H), torch.nn.ReLU(), torch.nn.Linear(H, D_out)).cuda()
loss_fn = torch.nn.MSELoss(reduction="sum")
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
for t in range(500):
    y_pred = model(x)
    loss = loss_fn(y_pred, y)
    if t % 100 == 99:
        print(t, loss.item())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
