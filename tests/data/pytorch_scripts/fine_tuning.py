"""Images in folders that are not here, a frozen body and a new head, validation in the same loop."""
import copy
import os
import time

import torch
import torch.nn as nn
import torch.optim as optim
from torch.optim import lr_scheduler
from torchvision import datasets, transforms

data_transforms = {
    "train": transforms.Compose(
        [transforms.RandomResizedCrop(64), transforms.RandomHorizontalFlip(), transforms.ToTensor()]
    ),
    "val": transforms.Compose([transforms.Resize(72), transforms.CenterCrop(64), transforms.ToTensor()]),
}
image_datasets = {x: datasets.ImageFolder(os.path.join("animals", x), data_transforms[x]) for x in ["train", "val"]}
loaders = {x: torch.utils.data.DataLoader(image_datasets[x], 12, shuffle=True, num_workers=4) for x in image_datasets}
sizes = {x: len(image_datasets[x]) for x in ["train", "val"]}
device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")


def train_model(model, criterion, optimizer, scheduler, num_epochs=25):
    since = time.time()
    best, best_acc = copy.deepcopy(model.state_dict()), 0.0
    for epoch in range(num_epochs):
        for phase in ["train", "val"]:
            model.train() if phase == "train" else model.eval()
            running_loss, running_corrects = 0.0, 0
            for inputs, labels in loaders[phase]:
                inputs, labels = inputs.to(device), labels.to(device)
                optimizer.zero_grad()
                with torch.set_grad_enabled(phase == "train"):
                    outputs = model(inputs)
                    _, preds = torch.max(outputs, 1)
                    loss = criterion(outputs, labels)
                    if phase == "train":
                        loss.backward()
                        optimizer.step()
                running_loss += loss.item() * inputs.size(0)
                running_corrects += torch.sum(preds == labels.data)
            accuracy = running_corrects.double() / sizes[phase]
            print(f"{phase} loss {running_loss / sizes[phase]:.4f} accuracy {accuracy:.4f}")
            if phase == "val" and accuracy > best_acc:
                best_acc, best = accuracy, copy.deepcopy(model.state_dict())
        scheduler.step()
    print(f"{time.time() - since:.0f} s")
    model.load_state_dict(best)
    return model


body = nn.Sequential(nn.Conv2d(3, 16, 5, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten())
for parameter in body.parameters():
    parameter.requires_grad = False
model = nn.Sequential(body, nn.Linear(256, 2)).to(device)
optimizer = optim.SGD(filter(lambda p: p.requires_grad, model.parameters()), lr=0.001, momentum=0.9)
model = train_model(model, nn.CrossEntropyLoss(), optimizer, lr_scheduler.StepLR(optimizer, 7))
