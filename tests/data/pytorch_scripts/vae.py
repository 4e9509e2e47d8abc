"""A variational autoencoder in one class with its loss, its progress in a bar, images written now and then."""
import torch
from torch import nn, optim
from torch.nn import functional as F
from torch.utils.tensorboard import SummaryWriter
from torchvision import datasets, transforms
from torchvision.utils import save_image
from tqdm import tqdm


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.mean, self.log_variance = nn.Linear(784, 50), nn.Linear(50, 4), nn.Linear(50, 4)
        self.fc3, self.fc4 = nn.Linear(4, 50), nn.Linear(50, 784)

    def forward(self, x):
        h = F.relu(self.fc1(x.view(-1, 784)))
        mean, log_variance = self.mean(h), self.log_variance(h)
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z)))), mean, log_variance


config = {"batch_size": 20, "epochs": 7}
loader = torch.utils.data.DataLoader(
    datasets.MNIST("data", transform=transforms.ToTensor(), download=True), batch_size=config["batch_size"]
)
model, writer = VAE().cuda(), SummaryWriter()
optimizer = optim.Adam(model.parameters(), lr=1e-3)
for epoch in tqdm(range(config["epochs"])):
    for x, _ in tqdm(loader):
        x = x.cuda()
        y, mean, log_variance = model(x)
        loss = F.binary_cross_entropy(y, x.view(-1, 784), reduction="sum")
        loss -= 0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        writer.add_scalar("loss", loss.item())
    with torch.no_grad():
        save_image(model(x)[0].view(-1, 1, 28, 28), f"results/{epoch}.png")
