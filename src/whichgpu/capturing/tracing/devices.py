"""Code written for a GPU, run on fake tensors of a CPU: devices by name, transfers, autocast, questions to CUDA."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar, Final

import torch
from torch.overrides import TorchFunctionMode

from whichgpu.capturing.tracing.replacing import Place, put
from whichgpu.units import GIGA

ELSEWHERE: Final = frozenset({"cuda", "mps", "xpu", "hip", "musa", "npu"})
"""Kinds of devices that stand for the GPU that a script is written for."""

CPU: Final = torch.device("cpu")


@dataclass(slots=True)
class Autocast:
    """The type that autocast was asked to compute in while a model ran; None where it was not."""

    dtype: torch.dtype | None = None

    @property
    def precision(self) -> str | None:
        """The workload's precision that this autocast is."""
        return {torch.float16: "amp-fp16", torch.bfloat16: "amp-bf16"}.get(self.dtype) if self.dtype else None


@contextlib.contextmanager
def on_a_gpu() -> Iterator[Autocast]:
    """Within, code finds one GPU: its tensors are fake ones of the CPU, and autocast changes nothing but is noted.

    Casts are no operators of the graph: the workload's precision says what autocast does on a GPU.
    """
    noted = Autocast()
    with put(_places(noted)), _Here():
        yield noted


class _Here(TorchFunctionMode):
    """Takes every argument that names a GPU for the CPU."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _TRANSFERS:
            return args[0]
        if func is torch.device:  # a device keeps its name: scripts ask for its type
            return func(*args, **(kwargs or {}))
        if func in _MOVES and len(args) > 1 and type(args[1]) is int:  # the number of a GPU
            args = (args[0], CPU, *args[2:])
        if kwargs:
            kwargs = {key: CPU if key == "device" and type(v) is int else _here(v) for key, v in kwargs.items()}
            return func(*[_here(value) for value in args], **kwargs)
        return func(*[_here(value) for value in args])


_MOVES: Final = frozenset({torch.Tensor.to})
_TRANSFERS: Final = frozenset({torch.Tensor.cuda, torch.Tensor.pin_memory})


def _here(value: Any) -> Any:
    """The argument, with the CPU for any GPU."""
    if isinstance(value, torch.device):
        return CPU if value.type in ELSEWHERE else value
    if isinstance(value, str) and value.partition(":")[0] in ELSEWHERE:
        return CPU
    return value


class _NoAutocast:
    """Autocast as a context or a decorator that changes nothing; it notes the type."""

    noted: ClassVar[Autocast]

    def __init__(
        self, device_type: Any = "cuda", dtype: Any = None, enabled: bool = True, *rest: Any, **_: Any
    ) -> None:
        if isinstance(device_type, bool):  # torch.cuda.amp.autocast(enabled, dtype)
            device_type, enabled = "cuda", device_type
        self.dtype = dtype or (torch.bfloat16 if device_type == "cpu" else torch.float16)
        self.enabled = enabled

    def __enter__(self) -> _NoAutocast:
        if self.enabled:
            type(self).noted.dtype = self.dtype
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **options: Any) -> Any:
            with self:
                return function(*arguments, **options)

        return called


class _Scaler:
    """A gradient scaler that leaves losses as they are."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self._scale = 1.0

    def scale(self, outputs: Any) -> Any:
        """The loss."""
        return outputs

    def step(self, optimizer: Any, *arguments: Any, **options: Any) -> Any:
        """The optimizer's step."""
        return optimizer.step(*arguments, **options)

    def unscale_(self, optimizer: Any) -> None:
        """Nothing to undo."""

    def update(self, new_scale: Any = None) -> None:
        """Nothing to adapt."""

    def get_scale(self) -> float:
        """The factor of the losses."""
        return self._scale

    def is_enabled(self) -> bool:
        """It scales nothing."""
        return False

    def state_dict(self) -> dict[str, Any]:
        """Nothing to keep."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing to restore."""


def _nothing(*_: Any, **__: Any) -> None:
    return None


class _Stream(contextlib.nullcontext[None]):
    """A queue of the GPU: what is put into it is done at once."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()

    synchronize = wait_stream = wait_event = record_event = staticmethod(_nothing)


def _zero(*_: Any, **__: Any) -> int:
    return 0


_PROPERTIES: Final = SimpleNamespace(
    name="GPU", major=8, minor=0, total_memory=80 * int(GIGA), multi_processor_count=108, is_integrated=False
)
"""What a script that asks is told of its GPU: that of a common data-centre card (an A100 of 80 GB)."""

_QUIET: Final = (
    "synchronize empty_cache ipc_collect manual_seed manual_seed_all seed seed_all set_device init "
    "reset_peak_memory_stats reset_max_memory_allocated set_per_process_memory_fraction"
)
_ZERO: Final = "current_device memory_allocated max_memory_allocated memory_reserved max_memory_reserved"


def _places(noted: Autocast) -> list[Place]:
    """Everything that is replaced."""
    autocast = type("autocast", (_NoAutocast,), {"noted": noted})
    cuda, memory = torch.cuda, _PROPERTIES.total_memory
    answers: dict[str, Any] = {
        **dict.fromkeys(_QUIET.split(), _nothing),
        **dict.fromkeys(_ZERO.split(), _zero),
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "is_bf16_supported": lambda *_, **__: True,
        "device_count": lambda: 1,
        "get_device_name": lambda *_: _PROPERTIES.name,
        "get_device_capability": lambda *_: (_PROPERTIES.major, _PROPERTIES.minor),
        "get_device_properties": lambda *_: _PROPERTIES,
        "mem_get_info": lambda *_: (memory, memory),
        "memory_summary": lambda *_, **__: "",
        "Stream": _Stream,
        "stream": lambda *_, **__: contextlib.nullcontext(),
        "device": lambda *_: contextlib.nullcontext(),
    }
    places: list[Place] = [(cuda, name, answer) for name, answer in answers.items() if hasattr(cuda, name)]
    places += [(owner, "autocast", autocast) for owner in (torch, torch.amp, torch.cuda.amp)]
    places += [(torch.amp.autocast_mode, "autocast", autocast), (torch.amp, "GradScaler", _Scaler)]
    places += [(torch.cuda.amp, "GradScaler", _Scaler)]
    places += [(torch.nn.Module, "cuda", lambda module, *_, **__: module), (torch, "compile", _compiled)]
    places += [(torch.nn.Module, "to", _moved(torch.nn.Module.to)), (torch, "inference_mode", _Inference)]
    return places


class _Inference(torch.utils._contextlib._DecoratorContextManager):
    """Inference mode without gradients alone: the dispatcher would show whole layers instead of their operators."""

    def __new__(cls, mode: Any = True) -> Any:
        """The mode; a function that is decorated without brackets runs in it."""
        return super().__new__(cls) if isinstance(mode, bool) else cls()(mode)

    def __init__(self, mode: bool = True) -> None:
        self._mode = mode
        self._before = True

    def __enter__(self) -> None:
        self._before = torch.is_grad_enabled()
        torch.set_grad_enabled(self._before and not self._mode)

    def __exit__(self, *error: object) -> None:
        torch.set_grad_enabled(self._before)

    def clone(self) -> Any:
        """Another one like it, for a call inside its own."""
        return type(self)(self._mode)


def _moved(original: Callable[..., Any]) -> Callable[..., Any]:
    """``Module.to`` that takes the number of a GPU for the CPU."""

    def to(self: torch.nn.Module, *arguments: Any, **options: Any) -> Any:
        if arguments and type(arguments[0]) is int:
            arguments = (CPU, *arguments[1:])
        if type(options.get("device")) is int:
            options["device"] = CPU
        return original(self, *arguments, **options)

    return to


def _compiled(model: Any = None, **_: Any) -> Any:
    """``torch.compile`` as it stands: the operators are those of the model."""
    return model if model is not None else lambda function: function
