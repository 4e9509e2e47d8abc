"""``peft`` and ``trl``: low-rank adapters on a model, and the supervised fine-tuning of language models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from whichgpu.capturing.huggingface.adapting import Lora, adapt
from whichgpu.capturing.pytorch_scripts.hub.noted import NOTED
from whichgpu.capturing.pytorch_scripts.hub.rows import Dataset
from whichgpu.capturing.pytorch_scripts.hub.trainer import Trainer
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


OWN: Final[Mapping[str, Any]] = {
    # arguments of SFTConfig beside those of TrainingArguments, with their defaults
    "max_length": 1024,
    "max_seq_length": None,
    "packing": False,
    "dataset_text_field": "text",
    "dataset_num_proc": None,
    "dataset_kwargs": None,
    "model_init_kwargs": None,
    "completion_only_loss": None,
    "assistant_only_loss": False,
    "eval_packing": None,
    "padding_free": False,
    "pad_token": None,
    "eos_token": None,
    "chat_template_path": None,
    "loss_type": "nll",
    "packing_strategy": "bfd",
}


def _settings() -> type:
    """``SFTConfig``: as TrainingArguments, with checkpointing and BF16 unless told otherwise."""
    from transformers import TrainingArguments

    def initialise(self: Any, *arguments: Any, **options: Any) -> None:
        own = {name: options.pop(name, default) for name, default in OWN.items()}
        options.setdefault("gradient_checkpointing", True)
        options.setdefault("bf16", not options.get("fp16", False))
        TrainingArguments.__init__(self, *arguments, **options)
        self.__dict__.update(own)
        self.max_length = own["max_seq_length"] or own["max_length"]

    return type("SFTConfig", (TrainingArguments,), {"__init__": initialise})


class SFTTrainer(Trainer):
    """Fine-tuning of a language model on texts that are cut, or packed, to a length."""

    def __init__(self, model: Any = None, args: Any = None, train_dataset: Any = None, **options: Any) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling

        given = args if args is not None else _settings()(output_dir="sft")
        named = str(model if isinstance(model, str) else getattr(model, "name_or_path", ""))
        if isinstance(model, str):
            model = AutoModelForCausalLM.from_pretrained(model, **(getattr(given, "model_init_kwargs", None) or {}))
        if options.get("peft_config") is not None:
            model = adapted(model, options["peft_config"])
        tokenizer = options.get("processing_class") or options.get("tokenizer") or AutoTokenizer.from_pretrained(named)
        tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
        collator = options.get("data_collator") or DataCollatorForLanguageModeling(tokenizer, mlm=False)
        length = options.get("max_seq_length") or getattr(given, "max_length", 1024)
        packs = options.get("packing", getattr(given, "packing", False))
        text = options.get("formatting_func") or _text_of(
            str(options.get("dataset_text_field") or getattr(given, "dataset_text_field", "text")), tokenizer
        )
        rows = _tokens(train_dataset, text, tokenizer, length, packs)
        super().__init__(
            model=model, args=given, train_dataset=rows, data_collator=collator, processing_class=tokenizer
        )


def _text_of(field: str, tokenizer: Any) -> Callable[[Any], Any]:
    """What is read of a row: its text, its messages, or its prompt and completion."""

    def text(row: Any) -> Any:
        if "messages" in row:
            return tokenizer.apply_chat_template(row["messages"], tokenize=False)
        if field in row:
            return row[field]
        return " ".join(str(row[name]) for name in ("prompt", "completion") if name in row)

    return text


def _tokens(rows: Any, text: Callable[[Any], Any], tokenizer: Any, length: int | None, packs: bool) -> Any:
    if "input_ids" in rows.column_names:
        return rows
    found = text(rows[0])
    tokens = tokenizer(found[0] if isinstance(found, list) else found)["input_ids"]
    if packs and length:
        count = max(len(rows) * len(tokens) // length, 1)
        return Dataset({"input_ids": (tokens * length)[:length], "attention_mask": [1] * length}, count)
    tokens = tokens[:length]
    return Dataset({"input_ids": tokens, "attention_mask": [1] * len(tokens)}, len(rows))


def trl() -> Mapping[str, Any]:
    """The names of ``trl`` that scripts use."""
    return {"SFTTrainer": SFTTrainer, "SFTConfig": _settings(), "setup_chat_format": lambda *each, **_: each}
