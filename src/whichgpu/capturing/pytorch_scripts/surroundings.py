"""What surrounds a training loop: files of weights, compilers, several processes. One process sees all of it done."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar, Final

import torch
import torch.distributed
import torch.multiprocessing
import torch.onnx

from whichgpu.capturing.stand_ins.stubs import Stub
from whichgpu.errors import Untraceable

NOT_THERE: Final = (
    "the script needs what is in {source}, which is not there",
    "put the file where the script looks for it: its shapes decide the model or its batches",
)


class Unread(Stub):
    """What a file would hold that is not there: weights may come from nowhere, numbers may not."""

    _wording: ClassVar[tuple[str, str]] = NOT_THERE

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Unread(self._stub_name)

    def _source(self) -> str:
        return os.path.basename(str(self._stub_name))


RANKS: Final = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}


def install() -> None:
    """Replace it for the rest of the process."""
    _files()
    _compilers()
    _processes()
    _gpu()


def expected_by(text: str) -> None:
    """Set what a launcher of processes would: where the script insists on it."""
    for name, value in RANKS.items():
        if re.search(rf"environ\[['\"]{name}['\"]\]", text):
            os.environ[name] = value


def _files() -> None:
    load = torch.load

    def loaded(f: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(f, str | os.PathLike) and not os.path.exists(f):
            return Unread(os.fspath(f))
        try:
            return load(f, map_location="cpu", weights_only=True)
        except Exception as error:
            if "weights_only" not in str(error) and "Weights only" not in str(error):
                raise
            raise Untraceable(
                "{source} holds pickled Python objects, which are not run",
                source=str(f) if isinstance(f, str | os.PathLike) else "a file",
                hint="build the model in the script, and load weights alone (a state_dict)",
            ) from error

    def saved(obj: Any, f: Any, *arguments: Any, **options: Any) -> None:
        if isinstance(f, str | os.PathLike) and os.path.dirname(f):
            os.makedirs(os.path.dirname(f), exist_ok=True)
        if isinstance(f, str | os.PathLike):
            with open(f, "wb"):
                pass

    names = vars(torch)
    names["load"], names["save"] = loaded, saved


def _compilers() -> None:
    def same(function: Any = None, *arguments: Any, **options: Any) -> Any:
        return function if function is not None else lambda inner: inner

    jit: Any = torch.jit
    jit.script = jit.trace = jit.optimize_for_inference = jit.freeze = jit.ignore = same
    jit.save = _nothing
    onnx: Any = torch.onnx
    onnx.export = _nothing


def _nothing(*arguments: Any, **options: Any) -> None:
    return None


class _Wrapped(torch.nn.Module):
    """What stands for a model on several processes or cards: the model, on one."""

    def __init__(self, module: torch.nn.Module, *arguments: Any, **options: Any) -> None:
        super().__init__()
        self.module = module

    def forward(self, *arguments: Any, **options: Any) -> Any:
        """The model's answer."""
        return self.module(*arguments, **options)

    def no_sync(self) -> contextlib.AbstractContextManager[None]:
        """Gradients have no other process to go to."""
        return contextlib.nullcontext()


def _processes() -> None:
    parallel: Any = torch.nn.parallel
    nn: Any = torch.nn
    parallel.DistributedDataParallel = parallel.distributed.DistributedDataParallel = _Wrapped
    parallel.data_parallel = lambda module, inputs, *_, **__: module(*(inputs if type(inputs) is tuple else (inputs,)))
    nn.DataParallel = parallel.DataParallel = _Wrapped
    answers: dict[str, Any] = {
        **dict.fromkeys(
            ("init_process_group", "destroy_process_group", "barrier", "all_reduce", "broadcast"), _nothing
        ),
        **dict.fromkeys(("is_available", "is_initialized"), lambda: True),
        **dict.fromkeys(("get_rank", "get_node_local_rank"), lambda *_: 0),
        "get_world_size": lambda *_: 1,
        "get_backend": lambda *_: "nccl",
        "reduce": _nothing,
    }
    vars(torch.distributed).update(answers)

    def spawn(fn: Callable[..., Any], args: tuple[Any, ...] = (), *rest: Any, **options: Any) -> None:
        fn(0, *args)

    vars(torch.multiprocessing)["spawn"] = spawn
    vars(torch.multiprocessing)["set_start_method"] = _nothing


class _Event:
    """A mark in a stream of the GPU."""

    def __init__(self, *arguments: Any, **options: Any) -> None: ...

    record = synchronize = wait = staticmethod(_nothing)

    def elapsed_time(self, other: Any) -> float:
        """Milliseconds: not known before it runs, and never zero for a division."""
        return 1.0

    def query(self) -> bool:
        """It is past."""
        return True


class _Generator(torch.Generator):
    """A generator of random numbers: whatever its device, on the processor."""

    def __new__(cls, device: Any = "cpu") -> Any:
        """The generator."""
        return super().__new__(cls)


def _gpu() -> None:
    cuda: Any = torch.cuda
    cuda.Event = _Event
    for name in ("Float", "Long", "Half", "Double", "Int", "Byte", "Bool"):
        setattr(cuda, f"{name}Tensor", getattr(torch, f"{name}Tensor"))
    accelerator: Any = getattr(torch, "accelerator", SimpleNamespace())
    accelerator.is_available = lambda: True
    accelerator.current_accelerator = lambda *_, **__: torch.device("cuda")
    accelerator.device_count = lambda: 1
    accelerator.current_device_index = lambda: 0
    for name in ("synchronize", "set_device_index", "set_device_idx", "empty_cache"):
        setattr(accelerator, name, _nothing)
    torch.backends.cudnn.is_available = lambda: True
    # On a GPU all gradients are clipped together.
    vars(torch.nn.utils.clip_grad)["_has_foreach_support"] = lambda tensors, device: True
    torch.set_default_device = _nothing
    torch.set_default_tensor_type = _nothing
    vars(torch).update(Generator=_Generator, set_num_threads=_nothing)
