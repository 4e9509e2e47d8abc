"""``TrainingArguments`` of transformers on one GPU, with the names that former releases had."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, Final

import torch

from whichgpu.capturing.words import words

RENAMED: Final[Mapping[str, str]] = {
    "evaluation_strategy": "eval_strategy",
    "per_gpu_train_batch_size": "per_device_train_batch_size",
    "per_gpu_eval_batch_size": "per_device_eval_batch_size",
}

GONE: Final = frozenset(
    words(
        """overwrite_output_dir no_cuda use_mps_device logging_dir save_safetensors group_by_length fp16_backend
    fp16_opt_level half_precision_backend warmup_ratio jit_mode_eval use_ipex dispatch_batches split_batches
    past_index adafactor sharded_ddp push_to_hub_model_id push_to_hub_organization push_to_hub_token
    include_inputs_for_metrics tpu_num_cores tpu_metrics_debug prediction_loss_only evaluate_during_training
    torchdynamo ray_scope mp_parameters include_tokens_per_second bf16_opt_level predict_with_generate"""
    )
)
"""Arguments of former releases that change nothing of a step."""


def adjusted(module: Any) -> None:
    """Change the class: no process is started, no device is looked for."""
    kind = module.TrainingArguments
    renamed(kind)
    kind._setup_devices = kind.device = property(lambda self: torch.device("cuda"))
    kind.n_gpu = kind.world_size = property(lambda self: 1)
    kind.process_index = kind.local_process_index = property(lambda self: 0)
    kind.distributed_state = None
    kind._validate_args = lambda self: None
    kind.main_process_first = lambda self, *_, **__: contextlib.nullcontext()


def renamed(kind: Any) -> None:
    """Let a class of arguments take the names of former releases."""
    made = kind.__init__

    def initialise(self: Any, *arguments: Any, **options: Any) -> None:
        named = {RENAMED.get(name, name): value for name, value in options.items()}
        known = getattr(type(self), "__dataclass_fields__", {})
        made(self, *arguments, **{name: v for name, v in named.items() if name in known or name not in GONE})

    kind.__init__ = initialise
