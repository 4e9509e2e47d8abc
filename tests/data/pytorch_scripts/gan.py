"""Two networks against each other: two optimizers, one step together."""
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets
from torchvision import transforms as T

batch_size, nz, num_epochs = 32, 16, 4
device = "cuda"
data = datasets.FashionMNIST("data", download=True, transform=T.Compose([T.Resize(32), T.CenterCrop(32), T.ToTensor()]))
loader = DataLoader(data, batch_size, shuffle=True, drop_last=True)
G = nn.Sequential(nn.Linear(nz, 64), nn.ReLU(), nn.Linear(64, 1024), nn.Tanh()).to(device)
D = nn.Sequential(nn.Linear(1024, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1)).to(device)
opt_d = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
opt_g = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
bce = nn.BCEWithLogitsLoss()
fixed = torch.randn(64, nz, device=device)
for epoch in range(num_epochs):
    for i, (real, _) in enumerate(loader):
        real = real.view(batch_size, -1).to(device)
        noise = torch.randn(batch_size, nz, device=device)
        fake = G(noise)
        opt_d.zero_grad()
        loss_d = bce(D(real), torch.ones(batch_size, 1, device=device))
        loss_d = loss_d + bce(D(fake.detach()), torch.zeros(batch_size, 1, device=device))
        loss_d.backward()
        opt_d.step()
        opt_g.zero_grad()
        loss_g = bce(D(fake), torch.ones(batch_size, 1, device=device))
        loss_g.backward()
        opt_g.step()
    with torch.no_grad():
        G(fixed)
