"""Mixed precision with a scaler, gradients of four batches a step, a clipped norm, a compiled and wrapped model."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

model = nn.DataParallel(torch.compile(nn.Sequential(nn.Linear(20, 40), nn.GELU(), nn.Linear(40, 5)))).cuda()
data = TensorDataset(torch.rand(1000, 20), torch.randint(0, 5, (1000,)))
train, held_out = random_split(data, [0.8, 0.2])
loader = DataLoader(train, batch_size=25, shuffle=True)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
scaler = torch.amp.GradScaler("cuda")
EPOCHS = 6
for epoch in range(EPOCHS):
    for i, (x, y) in enumerate(loader):
        with torch.autocast("cuda", dtype=torch.float16):
            loss = nn.functional.cross_entropy(model(x.cuda()), y.cuda()) / 4
        scaler.scale(loss).backward()
        if (i + 1) % 4 == 0:
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad(set_to_none=True)
