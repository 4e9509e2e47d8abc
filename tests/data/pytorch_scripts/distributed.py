"""Data parallel over processes, as torchrun starts it."""
import os

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.data import DataLoader, Dataset
from torch.utils.data.distributed import DistributedSampler


class Numbers(Dataset):
    def __len__(self):
        return 2048

    def __getitem__(self, index):
        return torch.full((10,), float(index)), torch.tensor(index % 3)


dist.init_process_group(backend="nccl")
rank = int(os.environ["LOCAL_RANK"])
torch.cuda.set_device(rank)
model = DDP(nn.Linear(10, 3).to(rank), device_ids=[rank])
sampler = DistributedSampler(Numbers())
loader = DataLoader(Numbers(), batch_size=128, sampler=sampler, num_workers=2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(10):
    sampler.set_epoch(epoch)
    for x, y in loader:
        x, y = x.to(rank), y.to(rank)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    if dist.get_rank() == 0:
        torch.save({"model": model.module.state_dict(), "optimizer": optimizer.state_dict()}, "checkpoints/last.pt")
dist.destroy_process_group()
