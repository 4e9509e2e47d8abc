"""``accelerate`` on one GPU: everything is as it was, in the precision that is asked for."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import torch

from whichgpu.capturing.stand_ins.stubs import Stub


class DistributedType(enum.StrEnum):
    """How several processes work together."""

    NO = "NO"
    MULTI_GPU = "MULTI_GPU"
    MULTI_CPU = "MULTI_CPU"
    DEEPSPEED = "DEEPSPEED"
    FSDP = "FSDP"
    XLA = "XLA"
    TPU = "TPU"
    MEGATRON_LM = "MEGATRON_LM"


class Accelerator:
    """One process that is the main one."""

    is_main_process = is_local_main_process = is_last_process = sync_gradients = True
    num_processes, process_index, local_process_index = 1, 0, 0
    use_distributed = optimizer_step_was_skipped = use_fp16 = False
    distributed_type = DistributedType.NO
    native_amp = True
    scaler = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        asked = str(options.get("mixed_precision") or ("fp16" if options.get("fp16") else "no"))
        self.mixed_precision = asked
        self.gradient_accumulation_steps = options.get("gradient_accumulation_steps", 1)
        self.device = torch.device("cuda")
        self.state = SimpleNamespace(deepspeed_plugin=None, num_processes=1, process_index=0, mixed_precision=asked)
        self.gradient_state = SimpleNamespace(sync_gradients=True, end_of_dataloader=False, remainder=-1)
        self.project_dir = self.logging_dir = options.get("project_dir")
        self.project_configuration = options.get("project_config")
        self.trackers: list[Any] = []

    def autocast(self, *arguments: Any, **options: Any) -> Any:
        """The mixed precision."""
        types = {"fp16": torch.float16, "bf16": torch.bfloat16}
        dtype = types.get(self.mixed_precision)
        return contextlib.nullcontext() if dtype is None else torch.autocast("cuda", dtype)

    def prepare(self, *objects: Any, **options: Any) -> Any:
        """What is given; models run in the mixed precision."""
        with self.autocast():
            return objects[0] if len(objects) == 1 else objects

    prepare_model = prepare_data_loader = prepare_optimizer = prepare_scheduler = prepare

    def backward(self, loss: Any, **options: Any) -> None:
        """Gradients."""
        loss.backward(**options)

    def clip_grad_norm_(self, parameters: Any, max_norm: float, norm_type: float = 2) -> Any:
        """Gradients, clipped."""
        return torch.nn.utils.clip_grad_norm_(parameters, max_norm, norm_type)

    def clip_grad_value_(self, parameters: Any, clip_value: float) -> None:
        """Gradients, clipped."""
        torch.nn.utils.clip_grad_value_(parameters, clip_value)

    def gather(self, tensor: Any, *arguments: Any, **options: Any) -> Any:
        """What one process has is all."""
        return tensor

    gather_for_metrics = reduce = pad_across_processes = unwrap_model = skip_first_batches = gather

    def accumulate(self, *models: Any) -> Any:
        """A pass of a step."""
        return contextlib.nullcontext()

    no_sync = join_uneven_inputs = main_process_first = local_main_process_first = accumulate
    profile = maybe_context_parallel = accumulate

    @contextlib.contextmanager
    def split_between_processes(self, inputs: Any, *arguments: Any, **options: Any) -> Any:
        """All inputs."""
        yield inputs

    def on_main_process(self, function: Callable[..., Any] | None = None, **options: Any) -> Any:
        """The function as it is."""
        return function if function is not None else lambda inner: inner

    on_local_main_process = on_main_process

    def get_state_dict(self, model: Any, **options: Any) -> dict[str, Any]:
        """Weights have values for nobody."""
        return {}

    def print(self, *arguments: Any, **options: Any) -> None:
        """Nothing is written."""

    wait_for_everyone = log = init_trackers = end_training = save = save_state = load_state = print
    free_memory = register_for_checkpointing = save_model = set_trigger = clear = print

    def check_trigger(self) -> bool:
        """Nothing was triggered."""
        return False

    def get_tracker(self, *arguments: Any, **options: Any) -> Stub:
        """Nothing is tracked."""
        return Stub("accelerate")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Stub(f"accelerate.{name}")


class Logger:
    """A logger that writes nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def _seeded(*arguments: Any, **options: Any) -> None:
    return None


def _same(value: Any, *arguments: Any, **options: Any) -> Any:
    return value


def _launched(function: Callable[..., Any], args: tuple[Any, ...] = (), *rest: Any, **options: Any) -> Any:
    return function(*args)


def _found_batch(function: Any = None, starting_batch_size: int = 128, **options: Any) -> Any:
    """A decorator that hands over the first size of batches that fits."""
    if function is None:
        return lambda inner: _found_batch(inner, starting_batch_size)
    return lambda *arguments, **named: function(starting_batch_size, *arguments, **named)


def parts() -> Mapping[str, Callable[[], Mapping[str, Any]]]:
    """The modules of ``accelerate`` that scripts use."""
    utils = {
        "set_seed": _seeded,
        "DistributedType": DistributedType,
        "find_executable_batch_size": _found_batch,
        "gather": _same,
        "gather_object": _same,
        "broadcast": _same,
        "is_compiled_module": lambda *_: False,
    }
    top = {
        "Accelerator": Accelerator,
        "DistributedType": DistributedType,
        "notebook_launcher": _launched,
        "PartialState": Accelerator,
        "skip_first_batches": _same,
        "__version__": "1.12.0",
    }
    return {
        "accelerate": lambda: top,
        "accelerate.utils": lambda: utils,
        "accelerate.logging": lambda: {"get_logger": lambda *_, **__: Logger()},
        "accelerate.state": lambda: {"PartialState": Accelerator, "AcceleratorState": Accelerator},
    }
