"""What is asked of a workload beside its source: the options for it, and the request they make."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from whichgpu.cli.options import Amount, Count, Decorator, Name, option, together
from whichgpu.errors import InvalidValue
from whichgpu.explaining import N_
from whichgpu.workload import INPUT_TRANSFERS, OPTIMIZERS, STEPS, Adapters, Precision

if TYPE_CHECKING:
    from whichgpu.capturing import CaptureRequest
    from whichgpu.workload import Workload

PHASES: Final = ("train", "infer", "generate")
PRECISIONS: Final = tuple(str(precision) for precision in Precision if precision is not Precision.DEFAULT)
WEIGHT_PRECISIONS: Final = ("fp16", "bf16", "fp8", "int8", "int4", "nf4", "nf4-dq", "fp4", "gguf:TYPE")
AUTO: Final = "auto"
_LARGEST_WATTS: Final = 100_000.0


class Batch(Count):
    """A number of samples, or ``auto``: as many as fit."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number, or ``auto``; raises InvalidValue."""
        return AUTO if str(value).lower() == AUTO else super().convert(value, param, ctx)


class Size(click.ParamType):  # type: ignore[type-arg]
    """A picture's height and width in pixels: ``512x768``, or one number for both."""

    name = "HxW"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Height and width; raises InvalidValue."""
        if isinstance(value, tuple):
            return value
        parts = str(value).lower().split("x")
        if not 1 <= len(parts) <= 2 or not all(part.isdecimal() and 0 < int(part) <= 2**16 for part in parts):
            raise InvalidValue(
                "--resolution is {value!r}, but must be a height and a width in pixels",
                value=str(value),
                field="resolution",
                hint="write --resolution 512x512",
            )
        return int(parts[0]), int(parts[-1])


def workload_options() -> Decorator:
    """What is fixed about the workload beside its source."""
    return together(_main_options(), _training_options(), _generation_options(), _run_options())


def _main_options() -> Decorator:
    return together(
        option(
            "--phase",
            type=Name(N_("phase"), PHASES),
            help=N_("Train or infer; train where the source has an optimizer."),
        ),
        option("--step", type=Name(N_("step"), STEPS), help=N_("Only this part of the phase: forward, decode, …")),
        option(
            "--batch-size",
            type=Batch(),
            metavar="N|auto",
            help=N_("Samples a step; the source's own, else 32; auto: as many as fit each GPU."),
        ),
        option("--sequence-length", type=Count(), help=N_("Length where the source leaves it open; else 100.")),
        option(
            "--input-shape",
            "input_shapes",
            multiple=True,
            metavar="3x224x224",
            help=N_("An input of file.py:function, without the batch; 128:int64 for whole numbers."),
        ),
        option(
            "--script-args",
            metavar="TEXT",
            help=N_('What a script would be given: --script-args "--arch resnet50 --epochs 3".'),
        ),
        option("--dim", "dims", multiple=True, metavar="NAME=N", help=N_("A size that an ONNX file leaves open.")),
        option(
            "--precision",
            type=Name(N_("precision"), PRECISIONS),
            help=N_("Arithmetic; the framework's own default on each GPU."),
        ),
        option(
            "--weight-precision", metavar="|".join(WEIGHT_PRECISIONS), help=N_("Narrower weights than the arithmetic.")
        ),
    )


def _training_options() -> Decorator:
    return together(
        option(
            "--optimizer", type=Name(N_("optimizer"), tuple(OPTIMIZERS), "sgd|adamw|adafactor|…"), help=N_("Optimizer.")
        ),
        option("--lora-rank", type=Count(), help=N_("Train adapters of this rank, all else frozen; 16.")),
        option(
            "--lora-targets",
            metavar="NAME,…|all-linear",
            help=N_("Layers that gain an adapter; q_proj,v_proj. With --weight-precision nf4: QLoRA."),
        ),
        option("--freeze", "frozen", multiple=True, metavar="PATTERN", help=N_("Do not train this part of the model.")),
        option("--gradient-checkpointing", is_flag=True, help=N_("Compute each block again instead of keeping it.")),
        option("--gradient-accumulation", type=Count(), help=N_("Batches before each update.")),
        option(
            "--cached-features",
            is_flag=True,
            help=N_("Compute what frozen parts make once, and keep it: only what trains runs."),
        ),
        option("--samples", type=Count(), help=N_("Samples of one epoch.")),
        option("--epochs", type=Count(), help=N_("Epochs; with --samples the time to finish is told.")),
    )


def _generation_options() -> Decorator:
    return together(
        option("--new-tokens", type=Count(), help=N_("Tokens to generate after the prompt of --sequence-length; 128.")),
        option("--steps", "denoising_steps", type=Count(), help=N_("Steps of a diffusion pipeline's schedule; 50.")),
        option(
            "--guidance/--no-guidance",
            default=None,
            help=N_("Whether a diffusion pipeline looks at an empty prompt as well."),
        ),
        option("--resolution", type=Size(), metavar="HxW", help=N_("Size of a diffusion pipeline's pictures.")),
    )


def _run_options() -> Decorator:
    return together(
        option(
            "--stack",
            metavar="pytorch|tensorflow|jax|llama.cpp|…",
            help=N_("Software that runs the model; the source's own."),
        ),
        option(
            "--input-transfer",
            type=Name(N_("transfer"), INPUT_TRANSFERS),
            help=N_("Whether the copy of each batch to the GPU is waited for, and from which memory."),
        ),
        option(
            "--offload",
            metavar="optimizer|weights:SHARE|layers:SHARE",
            help=N_("What the host's memory holds: the optimizer, weights brought over, layers computed there."),
        ),
        option("--power-limit-w", type=Amount(_LARGEST_WATTS), help=N_("A power limit set on the board.")),
        option("--model", metavar="NAME", help=N_("Which of a script's models; the last one fitted.")),
        option("--allow-uncovered", is_flag=True, help=N_("Predict even where much of the model has no known cost.")),
    )


def longest_option() -> Decorator:
    """``--max-sequence-length auto``."""
    return option(
        "--max-sequence-length",
        "longest",
        type=Name(N_("length"), (AUTO,)),
        help=N_("The longest sequence that fits each GPU, among powers of two."),
    )


def asked(options: Mapping[str, Any]) -> CaptureRequest:
    """The request that the options of ``workload_options`` make; raises UnknownName and InvalidValue."""
    from whichgpu.asking.question import stack_name, weight_precision
    from whichgpu.capturing import CaptureRequest
    from whichgpu.capturing.arguments import split
    from whichgpu.offload import Offload

    precision, batch = options["precision"], options["batch_size"]
    plain = (
        *("phase", "step", "sequence_length", "samples", "epochs", "model", "optimizer", "gradient_checkpointing"),
        *("gradient_accumulation", "new_tokens", "denoising_steps", "guidance", "resolution"),
        *("input_transfer", "power_limit_w", "cached_features"),
    )
    return CaptureRequest(
        batch_size=None if batch == AUTO else batch,
        precision=Precision.DEFAULT if precision is None else Precision(precision),
        weight_precision=weight_precision(options["weight_precision"], "weight-precision"),
        stack=None if options["stack"] is None else stack_name(options["stack"], "stack"),
        dims=_dims(options["dims"]),
        input_shapes=tuple(options["input_shapes"]),
        script_args=split(options["script_args"] or ""),
        adapters=_adapters(options["lora_rank"], options["lora_targets"]),
        frozen=tuple(part for pattern in options["frozen"] for part in pattern.split(",") if part),
        offload=None if options["offload"] is None else Offload.named(options["offload"]),
        **{name: options[name] for name in plain},
    )


def batched(workload: Workload, options: Mapping[str, Any]) -> Workload:
    """The workload, at the largest batch of each GPU where that was asked for."""
    if options["batch_size"] != AUTO:
        return workload
    told = tuple(found for found in workload.assumptions if found.code != "batch_size_assumed")
    return dataclasses.replace(workload, largest_batch=True, assumptions=told)


def _adapters(rank: int | None, targets: str | None) -> Adapters | None:
    from whichgpu.asking.question import DEFAULT_RANK, DEFAULT_TARGETS

    if rank is None and targets is None:
        return None
    named = tuple(name.strip() for name in (targets or "").split(",") if name.strip())
    return Adapters(rank=rank or DEFAULT_RANK, targets=named or DEFAULT_TARGETS)


def _dims(given: Sequence[str]) -> dict[str, int]:
    found = {}
    for text in given:
        name, equals, size = text.partition("=")
        if not equals or not name.strip() or not size.strip().isdecimal() or int(size) < 1:
            raise InvalidValue(
                "--dim is {text!r}, but must be a name and a whole number of at least 1",
                text=text,
                field="dim",
                hint="write --dim sequence=128",
            )
        found[name.strip()] = int(size)
    return found
