"""Diffusion pipelines as one step: text encoders once, the denoiser as often as the schedule asks, the decoder once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch

from whichgpu.zoo.building.blueprint import Capture
from whichgpu.zoo.building.steps import Step, repeated, step

Inputs = Mapping[str, Any]

PASSES: Final[Mapping[str, tuple[int, int]]] = {
    # guidance: samples a denoiser's batch has for each of the workload's, and its passes each step of the schedule
    "none": (1, 1),
    "batched": (2, 1),
    "apart": (1, 2),
}
"""Classifier-free guidance (Ho and Salimans 2022): both predictions in one batch, or one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A network of a pipeline and how its inputs are made from a batch size."""

    module: torch.nn.Module
    inputs: Callable[[int], Inputs]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Networks made under fake tensors; ``latents`` [channels, …] of one sample is what the schedule works on."""

    encoders: Sequence[Part]
    denoiser: Part
    decoder: torch.nn.Module | None
    latents: tuple[int, ...]
    idle: Sequence[torch.nn.Module] = field(default_factory=tuple)


def sampling(make: Callable[[], Pipeline], *, steps: int, guidance: str) -> Capture:
    """Captures a whole generation: ``steps`` evaluations of the denoiser under a kind of guidance."""
    samples, passes = PASSES[guidance]

    def made(batch: int) -> Step:
        pipeline = make()
        inputs = pipeline.denoiser.inputs(batch * samples)
        texts = [(part.module, part.inputs(batch)) for part in pipeline.encoders]
        latents = torch.zeros(batch, *pipeline.latents)

        def run() -> None:
            for module, text in texts:
                # The prompt, and under guidance the empty prompt.
                with repeated(samples * passes):
                    module(**text)
            with repeated(steps):
                _denoise(pipeline.denoiser.module, inputs, latents, samples, passes)
            if pipeline.decoder is not None:
                _picture(pipeline.decoder.decode(latents / 0.18215))

        modules = [module for module, _ in texts] + [pipeline.denoiser.module, *pipeline.idle]
        modules += [] if pipeline.decoder is None else [pipeline.decoder]
        return Step(modules=modules, inputs=[inputs, [text for _, text in texts], latents], run=run)

    return step(made, train=False)


def _denoise(module: torch.nn.Module, inputs: Inputs, latents: torch.Tensor, samples: int, passes: int) -> torch.Tensor:
    """One step of a schedule: the prediction, its guidance, and a first-order update of the latents."""
    if samples == 2:
        torch.cat([latents] * 2)
    with repeated(passes):
        predicted = _tensor(module(**inputs))[:, : latents.shape[1]]
    if samples == 2:
        without, under = predicted.chunk(2)
        predicted = without + 7.5 * (under - without)
    elif passes == 2:
        predicted = predicted + 7.5 * (predicted - predicted.detach())
    return latents + 0.1 * predicted


def _tensor(output: Any) -> torch.Tensor:
    if isinstance(output, torch.Tensor):
        return output
    found = output[0] if isinstance(output, tuple) else output.sample
    return found if isinstance(found, torch.Tensor) else found[0]


def _picture(output: Any) -> torch.Tensor:
    return (_tensor(output) / 2 + 0.5).clamp(0, 1)


def denoiser_step(make: Callable[[], Pipeline], *, guidance: str) -> Capture:
    """Captures one evaluation of the denoiser under guidance, without encoders and decoder."""
    samples, passes = PASSES[guidance]

    def made(batch: int) -> Step:
        pipeline = make()
        inputs = pipeline.denoiser.inputs(batch * samples)
        latents = torch.zeros(batch, *pipeline.latents)
        module = pipeline.denoiser.module
        return Step(
            modules=[module], inputs=[inputs, latents], run=lambda: _denoise(module, inputs, latents, samples, passes)
        )

    return step(made, train=False)


def denoiser_training(make: Callable[[], Pipeline]) -> Capture:
    """Captures a training step of the denoiser on latents and text states that are ready: noise, loss, gradients."""

    def made(batch: int) -> Step:
        pipeline = make()
        inputs = pipeline.denoiser.inputs(batch)
        latents = torch.zeros(batch, *pipeline.latents)
        module = pipeline.denoiser.module

        def run() -> None:
            noise = torch.randn_like(latents)
            (0.9 * latents + 0.1 * noise).contiguous()
            predicted = _tensor(module(**inputs))[:, : latents.shape[1]]
            target = noise if predicted.shape == noise.shape else torch.zeros(predicted.shape)
            torch.nn.functional.mse_loss(predicted, target).backward()

        return Step(modules=[module], inputs=[inputs, latents], run=run)

    return step(made)
