"""What is asked of a capture beside its source, and the limits of the sandbox that scripts run in."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from whichgpu.errors import InvalidValue, UnknownName, nearest
from whichgpu.offload import Offload
from whichgpu.units import GIB, MIB
from whichgpu.workload import INPUT_TRANSFERS, OPTIMIZERS, PHASES, STEPS, Adapters, Precision

DEFAULT_BATCH: Final = 32
"""Samples a step where neither the source nor the user says it: the default of Keras' own ``fit``."""

DEFAULT_SEQUENCE_LENGTH: Final = 100
"""Steps or tokens of an input whose length the source leaves open."""

DEFAULT_NEW_TOKENS: Final = 128
"""Tokens that a generation writes where nobody says it."""

LARGEST: Final[dict[str, int]] = {
    "batch_size": 10**7,
    "sequence_length": 10**8,
    "new_tokens": 10**6,
    "gradient_accumulation": 10**6,
    "denoising_steps": 10**5,
    "samples": 10**15,
    "epochs": 10**9,
}
"""The largest number that still makes sense; beyond it a typing error is likelier than a workload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds of a script's run: seconds from its first line, seconds to load frameworks, bytes of memory above
    what the frameworks take, bytes of one file, of all files, and of what is handed back."""

    time_s: float = 60.0
    startup_s: float = 180.0
    memory_bytes: int = 4 * GIB
    file_bytes: int = 256 * MIB
    scratch_bytes: int = GIB
    result_bytes: int = 512 * MIB

    @classmethod
    def default(cls) -> Limits:
        """The limits in force: half of this machine's memory at most, and WHICHGPU_SCRIPT_SECONDS where it is set."""
        limits = cls(memory_bytes=min(4 * GIB, _physical_memory_bytes() // 2))
        text = os.environ.get("WHICHGPU_SCRIPT_SECONDS", "")
        return dataclasses.replace(limits, time_s=float(text)) if text.isdecimal() and int(text) else limits


def _physical_memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8 * GIB  # not told by this operating system: a common laptop


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureRequest:
    """What the user fixes; None leaves it to the source, then to a stated assumption.

    ``model`` chooses among several models of a script; ``input_shapes`` are those of a function's model, without the
    batch; ``script_args`` are what a script finds in ``sys.argv``, ``dims`` sizes that a file leaves open, by name;
    ``cache`` is whether an earlier capture may answer. ``frozen`` are names of parts that are not trained,
    ``cached_features`` says that what those compute is kept from the first epoch. A diffusion pipeline has
    ``denoising_steps``, a ``resolution`` in pixels (height, width) and ``guidance``, whether by a second, empty
    prompt.
    """

    phase: str | None = None
    step: str | None = None
    batch_size: int | None = None
    sequence_length: int | None = None
    new_tokens: int | None = None
    precision: Precision = Precision.DEFAULT
    weight_precision: str | None = None
    optimizer: str | None = None
    adapters: Adapters | None = None
    frozen: tuple[str, ...] = ()
    gradient_checkpointing: bool = False
    gradient_accumulation: int | None = None
    cached_features: bool = False
    offload: Offload | None = None
    input_transfer: str | None = None
    power_limit_w: float | None = None
    denoising_steps: int | None = None
    guidance: bool | None = None
    resolution: tuple[int, int] | None = None
    samples: int | None = None
    epochs: int | None = None
    stack: str | None = None
    model: str | None = None
    input_shapes: tuple[str, ...] = ()
    script_args: tuple[str, ...] = ()
    dims: Mapping[str, int] = field(default_factory=dict)
    cache: bool = True
    limits: Limits = field(default_factory=Limits.default)

    def __post_init__(self) -> None:
        for name, largest in LARGEST.items():
            _check_count(name, getattr(self, name), largest)
        lists: dict[str, Iterable[str]] = {
            "phase": PHASES,
            "step": STEPS,
            "optimizer": OPTIMIZERS,
            "input_transfer": INPUT_TRANSFERS,
        }
        for name, known in lists.items():
            _check_name(name, getattr(self, name), tuple(known))

    def settled(self) -> CaptureRequest:
        """The request with the phase that its other options belong to, where it names none."""
        if self.phase is not None:
            return self
        training = (self.adapters, self.frozen, self.gradient_checkpointing, self.gradient_accumulation, self.optimizer)
        of_training = any(training) or self.cached_features or self.step in ("backward", "forward+backward")
        of_generation = self.new_tokens is not None or self.step in ("prefill", "decode")
        phase = "train" if of_training else "generate" if of_generation else None
        return dataclasses.replace(self, phase=phase)

    def refuse_denoising(self, kind: str) -> None:
        """Raise InvalidValue where an option of diffusion pipelines is asked of another kind of source."""
        options = {"steps": self.denoising_steps, "resolution": self.resolution, "guidance": self.guidance}
        option = next((name for name, value in options.items() if value is not None), None)
        if option is not None:
            raise InvalidValue(
                "--{option} is of the folder of a diffusion pipeline, not of a {kind}",
                option=option,
                kind=kind,
                field=option,
                hint="leave it out, or give the folder with model_index.json",
            )

    def document(self) -> dict[str, Any]:
        """What decides the result, JSON-ready: the request without cache and limits."""
        plain = dataclasses.asdict(self)
        del plain["cache"], plain["limits"]
        plain["offload"] = None if self.offload is None else str(self.offload)
        return plain

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> CaptureRequest:
        """The inverse of ``document``, under default limits."""
        plain = dict(document)
        adapters, size = plain.pop("adapters"), plain.pop("resolution")
        plain["precision"] = Precision(plain["precision"])
        plain["offload"] = None if plain["offload"] is None else Offload.named(plain["offload"])
        plain["frozen"] = tuple(plain["frozen"])
        plain["input_shapes"] = tuple(plain["input_shapes"])
        plain["script_args"] = tuple(plain["script_args"])
        return cls(
            adapters=None if adapters is None else Adapters.from_document(adapters),
            resolution=None if size is None else (size[0], size[1]),
            **plain,
        )


def _check_name(name: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is None or value in known:
        return
    what = name.replace("_", " ")
    raise UnknownName(
        "there is no {what} {name!r}",
        what=what,
        name=value,
        field=name.replace("_", "-"),
        hint="did you mean {close!r}?",
        close=nearest(value, known) or known[0],
        known=", ".join(known),
    )


def _check_count(name: str, value: object, largest: int) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= largest:
        raise InvalidValue(
            "{name} is {value!r}, but must be a whole number from 1 to {largest}",
            name=name,
            value=value,
            largest=largest,
            field=name,
        )
