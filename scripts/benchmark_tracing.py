"""The time of a training capture against PyTorch's own counter of FLOP, side by side, each in a process of its own.

    python scripts/benchmark_tracing.py

Needs the extra ``zoo``. Figures are processor seconds of the network alone; a small one is traced before, not so before
the two networks at the end.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from whichgpu.capturing.libraries import torchvision
from whichgpu.capturing.tracing import fake_mode, trace, trace_scalable

BATCH = 64
RUNS = 5


def images(batch: int, pixels: int) -> torch.Tensor:
    """A batch of pictures."""
    return torch.randn(batch, 3, pixels, pixels)


def counted_on_meta(model: Callable[[], torch.nn.Module], batch: int, pixels: int) -> float:
    """Seconds of PyTorch's counter on meta tensors."""
    with torch.device("meta"):
        return _counted(model(), images(batch, pixels))


def counted_on_fake(model: Callable[[], torch.nn.Module], batch: int, pixels: int) -> float:
    """Seconds of PyTorch's counter on fake tensors."""
    with fake_mode():
        return _counted(model(), images(batch, pixels))


def _counted(module: torch.nn.Module, x: torch.Tensor) -> float:
    start = time.process_time()
    with FlopCounterMode(display=False):
        module(x).sum().backward()
    return time.process_time() - start


def captured(model: Callable[[], torch.nn.Module], batch: int, pixels: int) -> float:
    """Seconds of a capture at one batch size."""
    with fake_mode():
        module, x = model(), images(batch, pixels)
        start = time.process_time()
        trace(module, x, train=True, batch_size=batch, loss=torch.sum)
        return time.process_time() - start


def captured_scalable(model: Callable[[], torch.nn.Module], batch: int, pixels: int) -> float:
    """Seconds of a capture that scales to other batch sizes."""
    with fake_mode():
        module = model()
        start = time.process_time()
        trace_scalable(lambda size: (module, images(size, pixels)), batch, train=True, loss=torch.sum)
        return time.process_time() - start


def bert_base() -> float:
    """Seconds of a capture that scales: BERT-base with its language head, 32 texts of 128 tokens."""
    from transformers import BertConfig, BertForMaskedLM

    def inputs(size: int) -> dict[str, torch.Tensor]:
        return {"input_ids": torch.zeros(size, 128, dtype=torch.int64)}

    with fake_mode():
        module = BertForMaskedLM(BertConfig(attn_implementation="sdpa"))
        start = time.process_time()
        trace_scalable(lambda size: (module, inputs(size)), 32, train=True, loss=lambda answer: answer.logits.sum())
        return time.process_time() - start


def stable_diffusion_unet() -> float:
    """Seconds of a capture that scales: the UNet of Stable Diffusion 1, four latent images of 64 by 64."""
    from diffusers import UNet2DConditionModel

    def inputs(size: int) -> dict[str, torch.Tensor]:
        step = torch.zeros(size, dtype=torch.int64)
        latent, text = torch.zeros(size, 4, 64, 64), torch.zeros(size, 77, 768)
        return {"sample": latent, "timestep": step, "encoder_hidden_states": text}

    with fake_mode():
        module = UNet2DConditionModel(sample_size=64, cross_attention_dim=768)
        start = time.process_time()
        trace_scalable(lambda size: (module, inputs(size)), 4, train=True, loss=lambda answer: answer.sample.sum())
        return time.process_time() - start


WHOLE = {function.__name__: function for function in (bert_base, stable_diffusion_unet)}
WORK = {function.__name__: function for function in (counted_on_meta, counted_on_fake, captured, captured_scalable)}


def one(name: str) -> None:
    """Print the seconds of one kind of work on ResNet-50, or of one other network."""
    torch.set_num_threads(1)
    models = torchvision().models  # before transformers, which imports it, too
    if name in WHOLE:
        print(WHOLE[name]())
        return
    for work in WORK.values():
        work(models.resnet18, 2, 64)
    print(WORK[name](models.resnet50, BATCH, 224))


def main() -> None:
    """Print the table."""
    print("| a training step, of ResNet-50 at batch 64 or of another network | median of 5 |\n|---|---|")
    for name in (*WORK, *WHOLE):
        runs = [subprocess.run([sys.executable, __file__, name], check=True, capture_output=True) for _ in range(RUNS)]
        seconds = statistics.median(float(run.stdout) for run in runs)
        print(f"| {name.replace('_', ' ')} | {seconds:.2f} s |", flush=True)


if __name__ == "__main__":
    one(sys.argv[1]) if len(sys.argv) > 1 else main()
