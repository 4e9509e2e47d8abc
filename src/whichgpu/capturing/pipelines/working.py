"""A pipeline and what is asked of it as a Workload in stages: text encoders, the denoiser at every step, a decoder."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import torch

from whichgpu.capturing.following import first_line
from whichgpu.capturing.huggingface.building import transformers, uninitialised
from whichgpu.capturing.pipelines.describing import DECODERS, DENOISERS, TEXT_ENCODERS, Component, Description
from whichgpu.capturing.pipelines.inputs import DEFAULT_TOKENS, MOST_TOKENS, Inputs, Sizes, inputs
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.tracing import Recorder, fake_mode, scalable, trace_run
from whichgpu.errors import InvalidValue, MissingExtra, Untraceable, WhichGpuError
from whichgpu.graph import OperatorGraph
from whichgpu.workload import Assumption, Stage, Workload

DEFAULT_STEPS: Final = 50
"""Steps of a schedule where nobody says them: diffusers' default for most pipelines."""

ITSELF_GUIDED: Final = frozenset({"FluxTransformer2DModel", "UNet2DModel"})
"""Networks that take guidance as an input, or none at all."""

Run = Callable[[], Any]


@functools.cache
def diffusers() -> Any:
    """The diffusers module, told to stay off the network; raises MissingExtra where it is not installed."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        import diffusers as library
    except ImportError as error:
        raise MissingExtra(
            "reading a pipeline needs diffusers, which is not installed", hint="pip install 'whichgpu[diffusers]'"
        ) from error
    library.utils.logging.set_verbosity_error()
    return library


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The sizes of a run: samples, latents [height, width], tokens, and passes of guidance in one batch."""

    batch: int
    height: int
    width: int
    tokens: int
    guided: bool
    steps: int
    assumptions: tuple[Assumption, ...]


def workload(found: Description, request: CaptureRequest) -> Workload:
    """A whole picture from a prompt, or a training step of the network that denoises."""
    parts = {name: _built(name, component) for name, component in found.components.items()}
    denoiser = next(name for name in DENOISERS if name in parts)
    asked = _asked(found, request, parts, denoiser)
    train = request.phase == "train"
    fields: dict[str, Any] = {
        "name": found.name,
        "phase": "train" if train else "infer",
        "batch_size": asked.batch,
        "source_hash": found.hash(),
        "category": "diffusion",
        "family": "diffusion",
        "precision": request.precision,
        "weight_precision": request.weight_precision,
        "samples": request.samples,
        "epochs": request.epochs,
        "stack": request.stack or "pytorch-eager",
        "assumptions": asked.assumptions,
    }
    kind = found.components[denoiser].kind
    if train:
        graph = _graph(parts[denoiser], asked.batch, lambda batch: _training(parts[denoiser], kind, asked, batch), True)
        return Workload(graph=graph, step="full", optimizer="adamw", **fields)
    return Workload.of_stages(list(_stages(found, parts, denoiser, asked)), **fields)


def _stages(found: Description, parts: dict[str, Any], denoiser: str, asked: Asked) -> Iterator[Stage]:
    for name in TEXT_ENCODERS:
        if name in parts:
            length = _length(found.components[name])
            graph = _graph(parts[name], asked.batch, functools.partial(_encoding, parts[name], length))
            # The prompt, and under guidance the empty prompt.
            yield Stage(name=name, graph=graph, step="forward", repetitions=1 + asked.guided, model=name)
    kind = found.components[denoiser].kind
    graph = _graph(parts[denoiser], asked.batch, lambda batch: _denoising(parts[denoiser], kind, asked, batch))
    yield Stage(name="denoise", graph=graph, step="forward", repetitions=asked.steps, model=denoiser)
    decoder = next((name for name in DECODERS if name in parts), None)
    if decoder is not None:
        graph = _graph(parts[decoder], asked.batch, lambda batch: _decoding(parts[decoder], asked, batch))
        yield Stage(name="decode-image", graph=graph, step="forward", model=decoder)


def _asked(found: Description, request: CaptureRequest, parts: dict[str, Any], denoiser: str) -> Asked:
    """The sizes of a run, with what had to be assumed."""
    told: list[Assumption] = []
    config, kind = parts[denoiser].config, found.components[denoiser].kind
    scale = _scale(parts)
    if request.batch_size is None:
        told.append(Assumption(code="batch_size_assumed", values={"batch_size": 1}))
    steps = request.denoising_steps
    if steps is None and request.phase != "train":
        told.append(Assumption(code="denoising_steps_assumed", values={"steps": DEFAULT_STEPS}))
    size = request.resolution
    if size is None:
        own = config.get("sample_size") or 64
        height, width = (own, own) if isinstance(own, int) else (int(own[0]), int(own[-1]))
        if kind == "FluxTransformer2DModel":
            height = width = 128
        told.append(Assumption(code="resolution_assumed", values={"height": height * scale, "width": width * scale}))
    else:
        if size[0] % (2 * scale) or size[1] % (2 * scale):
            raise InvalidValue(
                "a side of the picture must be a multiple of {step} pixels", step=2 * scale, field="resolution"
            )
        height, width = size[0] // scale, size[1] // scale
    lengths = [_length(part) for name, part in found.components.items() if name in TEXT_ENCODERS]
    tokens = sum(set(lengths)) if kind == "SD3Transformer2DModel" else max(lengths, default=DEFAULT_TOKENS)
    return Asked(
        batch=request.batch_size or 1,
        height=height,
        width=width,
        tokens=tokens,
        guided=kind not in ITSELF_GUIDED if request.guidance is None else request.guidance,
        steps=steps or DEFAULT_STEPS,
        assumptions=tuple(told),
    )


def _length(component: Component) -> int:
    """Tokens of a prompt for a text encoder: what its tokenizer pads to, else what it takes."""
    own = component.fields.get("max_position_embeddings")
    default = own if isinstance(own, int) else MOST_TOKENS
    return min(component.tokens or default, MOST_TOKENS)


def _scale(parts: dict[str, Any]) -> int:
    """Pixels a latent, along a side."""
    decoder = next((parts[name] for name in DECODERS if name in parts), None)
    widths = None if decoder is None else decoder.config.get("block_out_channels")
    return 2 ** (len(widths) - 1) if widths else 1


def _built(name: str, component: Component) -> Any:
    """A network under fake tensors, its weights without values; raises Untraceable."""
    try:
        with warnings.catch_warnings(), fake_mode(), uninitialised():
            warnings.simplefilter("ignore")
            if component.library == "diffusers":
                return getattr(diffusers(), component.kind).from_config(dict(component.fields))
            kind = getattr(transformers(), component.kind)
            return kind(kind.config_class.from_dict(dict(component.fields)))
    except Exception as error:
        raise Untraceable(
            "{part}: {library} does not build {kind}: {problem}",
            part=name,
            library=component.library,
            kind=component.kind,
            problem=first_line(error),
        ) from error


def _graph(module: Any, batch: int, make: Callable[[int], tuple[Run, Any]], train: bool = False) -> OperatorGraph:
    """The graph of what ``make`` runs at a batch size, with its slopes."""

    def traced(size: int) -> OperatorGraph:
        with fake_mode():
            run, given = make(size)
            return trace_run(Recorder(guessing=True), module, run, inputs=given, train=train, batch_size=size)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return scalable(traced, batch)
    except WhichGpuError:
        raise
    except Exception as error:
        raise Untraceable(
            "{part}: the network does not run on shapes alone: {problem}",
            part=type(module).__name__,
            problem=first_line(error),
        ) from error


def _encoding(module: Any, length: int, batch: int) -> tuple[Run, Any]:
    ids = torch.zeros(batch, length, dtype=torch.long)
    return (lambda: module(ids)), ids


def _given(module: Any, kind: str, asked: Asked, samples: int) -> Inputs:
    sizes = Sizes(batch=samples, height=asked.height, width=asked.width, tokens=asked.tokens, config=module.config)
    return inputs(kind, sizes)


def _latents(given: Inputs, samples: int) -> torch.Tensor:
    """What the schedule works on: as large as what the network takes, without guidance."""
    taken: torch.Tensor = given["sample"] if "sample" in given else given["hidden_states"]
    return torch.zeros(samples, *taken.shape[1:])


def _denoising(module: Any, kind: str, asked: Asked, batch: int) -> tuple[Run, Any]:
    """One step of a schedule: the prediction, its guidance, and a first-order update of the latents."""
    given = _given(module, kind, asked, batch * (1 + asked.guided))
    latents = _latents(given, batch)

    def run() -> torch.Tensor:
        predicted: torch.Tensor = module(**given, return_dict=False)[0][:, : latents.shape[1]]
        if asked.guided:
            without, under = predicted.chunk(2)
            predicted = without + 7.5 * (under - without)
        return latents + 0.1 * predicted

    return run, [given, latents]


def _training(module: Any, kind: str, asked: Asked, batch: int) -> tuple[Run, Any]:
    """Noise, the prediction of it, and the mean of squared errors."""
    given = _given(module, kind, asked, batch)
    latents = _latents(given, batch)

    def run() -> torch.Tensor:
        noise = torch.randn_like(latents)
        predicted = module(**given, return_dict=False)[0][:, : latents.shape[1]]
        return torch.nn.functional.mse_loss(predicted, noise)

    return run, [given, latents]


def _decoding(module: Any, asked: Asked, batch: int) -> tuple[Run, Any]:
    latents = torch.zeros(batch, module.config.get("latent_channels") or 4, asked.height, asked.width)
    return (lambda: (module.decode(latents, return_dict=False)[0] / 2 + 0.5).clamp(0, 1)), latents
