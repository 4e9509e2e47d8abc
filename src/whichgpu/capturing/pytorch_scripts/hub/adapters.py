"""``peft``: low-rank adapters on a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from whichgpu.capturing.huggingface.adapting import Lora, adapt
from whichgpu.capturing.pytorch_scripts.hub.noted import NOTED
from whichgpu.errors import Untraceable

USUAL: Final = (("q_proj", "v_proj"), ("query", "value"), ("c_attn",), ("query_key_value",), ("q", "v"))
"""Layers that gain an adapter where a script names none, by what a model has of them (peft's own table)."""

HEADS: Final = ("classifier", "score", "qa_outputs")
"""Heads of classification, which train as a whole."""


class LoraConfig:
    """What a script asks of its adapters."""

    peft_type = "LORA"

    def __init__(self, r: int = 8, target_modules: Any = None, **options: Any) -> None:
        self.r, self.target_modules = r, target_modules
        self.task_type = options.get("task_type")
        self.modules_to_save = options.get("modules_to_save")
        self.lora_dropout = options.get("lora_dropout", 0.0)
        self.__dict__.update(options)


class TaskType:
    """What a model is adapted for."""

    SEQ_CLS, SEQ_2_SEQ_LM, CAUSAL_LM, TOKEN_CLS = "SEQ_CLS", "SEQ_2_SEQ_LM", "CAUSAL_LM", "TOKEN_CLS"
    QUESTION_ANS, FEATURE_EXTRACTION = "QUESTION_ANS", "FEATURE_EXTRACTION"


def adapted(model: Any, config: Any, *arguments: Any, **options: Any) -> Any:
    """The model with its adapters, all else frozen."""
    if not isinstance(config, LoraConfig):
        raise Untraceable(
            "adapters of the kind {kind} are not followed, only low-rank ones",
            kind=type(config).__name__,
            hint="use LoraConfig, or leave the adapters out",
        )
    heads = HEADS if str(config.task_type) in (TaskType.SEQ_CLS, TaskType.TOKEN_CLS, TaskType.QUESTION_ANS) else ()
    lora = Lora.from_fields(
        {
            "r": config.r,
            "target_modules": config.target_modules if config.target_modules is not None else _usual(model),
            "lora_dropout": config.lora_dropout,
            "modules_to_save": [*(config.modules_to_save or ()), *heads],
        }
    )
    adapt(model, lora)
    NOTED.adapters = (lora.rank, lora.targets)
    for name in ("print_trainable_parameters", "add_adapter", "set_adapter", "enable_adapters"):
        setattr(model, name, _nothing)
    model.merge_and_unload = model.get_base_model = lambda *_, **__: model
    return model


def _usual(model: Any) -> tuple[str, ...]:
    ends = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    return next((names for names in USUAL if set(names) <= ends), ("all-linear",))


def _nothing(*arguments: Any, **options: Any) -> None:
    return None


def _for_training(model: Any, use_gradient_checkpointing: bool = True, *arguments: Any, **options: Any) -> Any:
    """The model with everything frozen, as weights of few bits are."""
    model.requires_grad_(False)
    NOTED.checkpointing |= bool(use_gradient_checkpointing)
    return model


class PeftModel:
    """A model with adapters out of a file: which layers they are on is not known, the model is as it was."""

    @classmethod
    def from_pretrained(cls, model: Any, *arguments: Any, **options: Any) -> Any:
        """The model."""
        return model


def peft() -> Mapping[str, Any]:
    """The names of ``peft`` that scripts use."""
    return {
        "LoraConfig": LoraConfig,
        "TaskType": TaskType,
        "get_peft_model": adapted,
        "PeftModel": PeftModel,
        "prepare_model_for_kbit_training": _for_training,
        "prepare_model_for_int8_training": _for_training,
        "__version__": "0.18.0",
    }
