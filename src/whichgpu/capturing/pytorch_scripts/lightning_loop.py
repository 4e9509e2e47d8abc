"""Lightning on one GPU: modules, data modules, and the loop of its ``Trainer``.

It stands whether or not Lightning is installed: its own loop starts processes and writes checkpoints.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import torch

from whichgpu.capturing.pytorch_scripts.hub.noted import NOTED
from whichgpu.capturing.stand_ins.stubs import Stub
from whichgpu.errors import Untraceable

HALF: Final[Mapping[str, torch.dtype]] = {"16": torch.float16, "bf16": torch.bfloat16}

ROOTS: Final = frozenset({"lightning", "pytorch_lightning"})


class Settings(dict[str, Any]):
    """What a module was made with: keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    __setattr__ = dict.__setitem__


class _Keeping:
    """What modules and data modules have in common."""

    hparams: Settings

    def save_hyperparameters(self, *names: Any, **options: Any) -> None:
        """Keep the arguments of the constructor that calls this, or those that are named."""
        local = sys._getframe(1).f_locals
        code = sys._getframe(1).f_code
        given = {name: local[name] for name in code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]}
        given.update(local.get("kwargs", {}))
        chosen = {name: given[name] for name in names if isinstance(name, str) and name in given}
        self.__dict__.setdefault("hparams", Settings()).update(chosen or given)

    def prepare_data(self) -> None:
        """Nothing is fetched."""

    def setup(self, stage: str | None = None) -> None:
        """Nothing to prepare."""


class LightningDataModule(_Keeping):
    """Loaders by name."""

    trainer: Any = None

    def __init__(self, *arguments: Any, **options: Any) -> None: ...


class LightningModule(_Keeping, torch.nn.Module):
    """A model with its step and its optimizers."""

    automatic_optimization = True
    current_epoch = global_step = local_rank = global_rank = 0
    logger: Any = Stub("lightning")
    trainer: Any = None
    made: list[Any]

    @property
    def device(self) -> torch.device:
        """The GPU."""
        return torch.device("cuda")

    def log(self, *arguments: Any, **options: Any) -> None:
        """Nothing is written."""

    log_dict = print = toggle_optimizer = untoggle_optimizer = log

    def manual_backward(self, loss: Any, *arguments: Any, **options: Any) -> None:
        """Gradients."""
        loss.backward()

    def clip_gradients(
        self, optimizer: Any, gradient_clip_val: float | None = None, *rest: Any, **options: Any
    ) -> None:
        """Gradients, clipped."""
        if gradient_clip_val:
            torch.nn.utils.clip_grad_norm_(self.parameters(), gradient_clip_val)

    def optimizers(self, *arguments: Any, **options: Any) -> Any:
        """The optimizers that the module makes."""
        return self.made[0] if len(self.made) == 1 else self.made

    def lr_schedulers(self) -> None:
        """No rate is scheduled: it costs nothing on the GPU."""

    def all_gather(self, data: Any, *arguments: Any, **options: Any) -> Any:
        """What one process has is all."""
        return data

    def freeze(self) -> None:
        """Train nothing."""
        self.requires_grad_(False)

    @classmethod
    def load_from_checkpoint(cls, *arguments: Any, **options: Any) -> Any:
        """The module as it is made: weights have values for nobody."""
        known = inspect.signature(cls).parameters
        return cls(**{name: value for name, value in options.items() if name in known})


class Trainer:
    """The loop over batches: forward, backward, clipping, update."""

    is_global_zero = True
    current_epoch = global_step = global_rank = local_rank = 0
    world_size = num_devices = 1

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.max_epochs = options.get("max_epochs")
        self.callback_metrics: Any = defaultdict(lambda: torch.tensor(0.5))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Stub(f"lightning.{name}")

    def fit(
        self,
        model: Any,
        train_dataloaders: Any = None,
        val_dataloaders: Any = None,
        datamodule: Any = None,
        **rest: Any,
    ) -> None:
        """Train until the step is known."""
        source = datamodule
        if hasattr(train_dataloaders, "train_dataloader"):
            source, train_dataloaders = train_dataloaders, None
        model.trainer, self.datamodule = self, source
        for part in (source, model):
            if part is not None:
                part.prepare_data()
                part.setup("fit")
        loader = train_dataloaders if train_dataloaders is not None else (source or model).train_dataloader()
        model.made = list(_optimizers(model.configure_optimizers()))
        NOTED.epochs = self.max_epochs if self.max_epochs and self.max_epochs > 0 else None
        model.train()
        passes = int(self.options.get("accumulate_grad_batches") or 1)
        for _ in range(3):
            for number, batch in enumerate(loader):
                self._step(model, batch, number, (number + 1) % passes == 0, passes)

    def _step(self, model: Any, batch: Any, number: int, last: bool, passes: int) -> None:
        taken = inspect.signature(model.training_step).parameters
        if not model.automatic_optimization:
            model.training_step(*(batch, number)[: len(taken)])
            return
        turns = range(len(model.made)) if "optimizer_idx" in taken else [None]
        for turn in turns:
            with self._precision():
                found = model.training_step(*[batch, number, *([] if turn is None else [turn])][: len(taken)])
            loss = found["loss"] if isinstance(found, Mapping) else found
            if loss is None:
                continue
            (loss / passes if passes > 1 else loss).backward()
            if last:
                model.clip_gradients(None, self.options.get("gradient_clip_val"))
                optimizer = model.made[turn or 0]
                optimizer.step()
                optimizer.zero_grad()

    def _precision(self) -> Any:
        """The mixed precision that is asked for."""
        asked = str(self.options.get("precision") or "32").partition("-")[0]
        return torch.autocast("cuda", HALF[asked]) if asked in HALF else contextlib.nullcontext()

    def validate(self, *arguments: Any, **options: Any) -> list[Any]:
        """Numbers that nobody knows."""
        return [defaultdict(lambda: 0.5)]

    test = validate

    def predict(self, *arguments: Any, **options: Any) -> list[Any]:
        """Nothing."""
        return []


def _optimizers(made: Any) -> Iterator[Any]:
    """The optimizers in all shapes in which a module may return them."""
    if made is None:
        return
    if isinstance(made, Mapping):
        yield made["optimizer"]
    elif isinstance(made, list | tuple):
        lists = bool(made) and isinstance(made[0], list | tuple)
        for each in made[0] if lists else made:
            yield from _optimizers(each)
    else:
        yield made


class LightningCLI:
    """Arguments of Lightning's own command line decide what it makes: that is not followed."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        raise Untraceable(
            "the training loop is that of {library}, which is not followed",
            library="LightningCLI",
            hint="give the module itself: file.py:function and --input-shape, where the function returns it",
        )


def _seeded(seed: Any = None, *arguments: Any, **options: Any) -> Any:
    return seed


def parts() -> Mapping[str, Callable[[], Mapping[str, Any]]]:
    """The modules of Lightning that scripts use."""
    top = {
        "LightningModule": LightningModule,
        "LightningDataModule": LightningDataModule,
        "Trainer": Trainer,
        "seed_everything": _seeded,
        "LightningCLI": LightningCLI,
        "__version__": "2.5.0",
    }
    roots = ("lightning", "lightning.pytorch", "pytorch_lightning")
    cli = {f"{root}.cli": lambda: {"LightningCLI": LightningCLI} for root in roots}
    return {**dict.fromkeys(roots, lambda: top), **cli}
