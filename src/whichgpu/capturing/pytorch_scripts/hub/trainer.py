"""``Trainer`` of transformers: its step on one GPU, as its arguments and its subclasses say."""

from __future__ import annotations

import contextlib
import inspect
import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Final

import torch
from torch.utils.data import DataLoader

from whichgpu.capturing.pytorch_scripts.hub import arguments
from whichgpu.capturing.pytorch_scripts.hub.noted import NOTED

LABELS: Final = ("label", "label_ids", "labels")
"""Columns that are kept whatever the model takes."""

OPTIMIZERS: Final[Mapping[str, str]] = {
    # what an argument begins with, without "paged_": class that the workload's optimizer is told by
    "adamw_bnb_8bit": "AdamW8bit",
    "adamw_8bit": "AdamW8bit",
    "adamw_torch_8bit": "AdamW8bit",
    "adafactor": "Adafactor",
    "lion": "Lion",
    "sgd": "SGD",
    "rmsprop": "RMSprop",
    "adagrad": "Adagrad",
}


class Columns(torch.utils.data.Dataset[Any]):
    """A data set without the columns that the model does not take."""

    def __init__(self, rows: Any, kept: frozenset[str]) -> None:
        self._rows, self._kept = rows, kept
        self.unknown_length = getattr(rows, "unknown_length", False)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        row = self._rows[index]
        if not isinstance(row, Mapping):
            return row
        return {name: value for name, value in row.items() if name in self._kept}


class Trainer:
    """The loop over batches: forward, loss, backward, clipping, update."""

    def __init__(
        self,
        model: Any = None,
        args: Any = None,
        data_collator: Any = None,
        train_dataset: Any = None,
        eval_dataset: Any = None,
        processing_class: Any = None,
        model_init: Callable[[], Any] | None = None,
        optimizers: tuple[Any, Any] = (None, None),
        tokenizer: Any = None,
        compute_loss_func: Any = None,
        **options: Any,
    ) -> None:
        from transformers import TrainingArguments

        self.args = args if args is not None else TrainingArguments(output_dir="trainer")
        self.model: Any = model if model is not None else model_init() if model_init else None
        self.model_wrapped = self.model
        self.processing_class = self.tokenizer = processing_class if processing_class is not None else tokenizer
        self.data_collator = data_collator if data_collator is not None else self._collator()
        self.train_dataset, self.eval_dataset = train_dataset, eval_dataset
        self.optimizer: Any = optimizers[0]
        self.lr_scheduler: Any = optimizers[1]
        self.compute_loss_func = compute_loss_func
        self.compute_metrics = options.get("compute_metrics")
        self.state = SimpleNamespace(global_step=0, epoch=0.0, log_history=[], best_metric=None, max_steps=0)
        self.control = self.callback_handler = SimpleNamespace()
        self.label_names = list(LABELS)
        if self.args.gradient_checkpointing:
            NOTED.checkpointing = True

    def _collator(self) -> Any:
        from transformers import DataCollatorWithPadding, default_data_collator

        reads = hasattr(self.processing_class, "pad")
        return DataCollatorWithPadding(self.processing_class) if reads else default_data_collator

    # -- what subclasses change ---------------------------------------------------------------------------------

    def get_train_dataloader(self) -> Any:
        """The loader of training batches."""
        rows = self.train_dataset
        if self.args.remove_unused_columns and hasattr(rows, "column_names"):
            taken = inspect.signature(self.model.forward).parameters
            rows = Columns(rows, frozenset({*taken, *LABELS}))
        size = self.args.per_device_train_batch_size
        return DataLoader(rows, batch_size=size, shuffle=True, collate_fn=self.data_collator)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The model's own loss, or the one that was given."""
        outputs = model(**inputs)
        if self.compute_loss_func is not None:
            loss = self.compute_loss_func(outputs, inputs.get("labels"), num_items_in_batch=num_items_in_batch)
        else:
            loss = outputs["loss"] if isinstance(outputs, Mapping) else outputs[0]
        return (loss, outputs) if return_outputs else loss

    def create_optimizer(self, *arguments: Any, **options: Any) -> Any:
        """The optimizer that the arguments name, over all that trains."""
        if self.optimizer is None:
            parameters = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
            self.optimizer = optimizer_class(str(getattr(self.args.optim, "value", self.args.optim)))(parameters)
        return self.optimizer

    def create_scheduler(self, *arguments: Any, **options: Any) -> None:
        """No rate is scheduled: it costs nothing on the GPU."""

    def create_optimizer_and_scheduler(self, *arguments: Any, **options: Any) -> None:
        """The optimizer."""
        self.create_optimizer()

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
        """A pass over a batch, forward and backward."""
        model.train()
        with self.autocast():
            loss = self.compute_loss(model, inputs)
        (loss / self.args.gradient_accumulation_steps).backward()
        return loss.detach()

    def autocast(self) -> Any:
        """The mixed precision that the arguments ask for."""
        if not (self.args.fp16 or self.args.bf16):
            return contextlib.nullcontext()
        return torch.autocast("cuda", torch.float16 if self.args.fp16 else torch.bfloat16)

    autocast_smart_context_manager = compute_loss_context_manager = autocast

    def _prepare_inputs(self, inputs: Any) -> Any:
        return inputs

    # -- the loop -----------------------------------------------------------------------------------------------

    def train(self, *arguments: Any, **options: Any) -> Any:
        """Train until the step is known."""
        self.create_optimizer_and_scheduler()
        loader, passes = self.get_train_dataloader(), self.args.gradient_accumulation_steps
        NOTED.epochs = None if self.args.max_steps > 0 else math.ceil(self.args.num_train_epochs)
        for _ in range(3):
            for number, batch in enumerate(loader, 1):
                self.training_step(self.model, self._prepare_inputs(batch))
                if number % passes == 0:
                    self._update()
        return SimpleNamespace(metrics={"train_loss": 0.5}, training_loss=0.5, global_step=0)

    def _update(self) -> None:
        if self.args.max_grad_norm is not None and self.args.max_grad_norm > 0:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.args.max_grad_norm)
        self.optimizer.step()
        self.model.zero_grad()
        self.state.global_step += 1

    # -- what is no part of a step ------------------------------------------------------------------------------

    def evaluate(self, *arguments: Any, **options: Any) -> Any:
        """Numbers that nobody knows."""
        return defaultdict(lambda: 0.5, eval_loss=0.5)

    def predict(self, test_dataset: Any = None, *arguments: Any, **options: Any) -> Any:
        """Predictions that nobody knows."""
        count = len(test_dataset) if test_dataset is not None else 1
        return SimpleNamespace(
            predictions=torch.empty(count, 2).numpy(), label_ids=torch.zeros(count).numpy(), metrics={}
        )

    def is_world_process_zero(self, *arguments: Any, **options: Any) -> bool:
        """There is one process."""
        return True

    is_local_process_zero = is_world_process_zero

    def log(self, *arguments: Any, **options: Any) -> None:
        """Nothing is written."""

    end = log_metrics = save_metrics = save_state = save_model = push_to_hub = create_model_card = log
    add_callback = remove_callback = pop_callback = floating_point_ops = log


def optimizer_class(name: str) -> Any:
    """A class of optimizers by the argument's value: AdamW, but for those that have a name of their own."""
    plain = name.removeprefix("paged_")
    said = next((kind for start, kind in OPTIMIZERS.items() if plain.startswith(start)), "AdamW")
    if "8bit" in plain and not said.endswith("8bit"):
        said += "8bit"
    own = getattr(torch.optim, said, None)
    if own is not None and plain == name:
        return own
    return type("Paged" * (plain != name) + said, (torch.optim.AdamW,), {})


def _trainer(module: Any) -> None:
    module.Trainer = Trainer


CHANGES: Final[Mapping[str, Callable[[Any], None]]] = {
    "transformers.trainer": _trainer,
    "transformers.training_args": arguments.adjusted,
}
"""What is changed in transformers once a module of it is loaded."""
