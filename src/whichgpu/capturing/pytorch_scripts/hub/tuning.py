"""``trl``: the supervised fine-tuning of language models, with the arguments of its own script."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

from whichgpu.capturing.pytorch_scripts.hub import arguments
from whichgpu.capturing.pytorch_scripts.hub.adapters import LoraConfig, adapted
from whichgpu.capturing.pytorch_scripts.hub.rows import Dataset
from whichgpu.capturing.pytorch_scripts.hub.trainer import Trainer

Fields = list[tuple[str, Any, Any]]

OWN: Final[Fields] = [
    # arguments of SFTConfig beside those of TrainingArguments, and those of which it has defaults of its own
    ("gradient_checkpointing", bool, True),
    ("bf16", bool | None, None),
    ("max_length", int | None, 1024),
    ("max_seq_length", int | None, None),
    ("packing", bool, False),
    ("dataset_text_field", str, "text"),
    ("model_init_kwargs", dict | None, None),
    ("dataset_kwargs", dict | None, None),
    ("dataset_num_proc", int | None, None),
    ("completion_only_loss", bool | None, None),
    ("assistant_only_loss", bool, False),
    ("eval_packing", bool | None, None),
    ("padding_free", bool, False),
    ("pad_token", str | None, None),
    ("eos_token", str | None, None),
    ("packing_strategy", str, "bfd"),
    ("loss_type", str, "nll"),
    ("trust_remote_code", bool, False),
]
SCRIPT: Final[Fields] = [
    ("dataset_name", str | None, None),
    ("dataset_config", str | None, None),
    ("dataset_train_split", str, "train"),
    ("dataset_test_split", str, "test"),
    ("dataset_streaming", bool, False),
    ("gradient_checkpointing_use_reentrant", bool, False),
]
MODEL: Final[Fields] = [
    ("model_name_or_path", str | None, None),
    ("model_revision", str, "main"),
    ("dtype", str | None, "auto"),
    ("torch_dtype", str | None, None),
    ("attn_implementation", str | None, None),
    ("use_peft", bool, False),
    ("lora_r", int, 16),
    ("lora_alpha", int, 32),
    ("lora_dropout", float, 0.05),
    ("lora_target_modules", list[str] | None, None),
    ("lora_task_type", str, "CAUSAL_LM"),
    ("load_in_8bit", bool, False),
    ("load_in_4bit", bool, False),
    ("bnb_4bit_quant_type", str, "nf4"),
]


def _made(name: str, fields: Fields, base: type = object, **namespace: Any) -> Any:
    rows = [(field, kind, dataclasses.field(default=default)) for field, kind, default in fields]
    return dataclasses.make_dataclass(name, rows, bases=(base,), namespace=namespace)


@functools.cache
def settings() -> Any:
    """``SFTConfig``: as TrainingArguments, with checkpointing and BF16 unless told otherwise."""
    from transformers import TrainingArguments

    def settled(self: Any) -> None:
        self.bf16 = not self.fp16 if self.bf16 is None else self.bf16
        self.max_length = self.max_seq_length or self.max_length
        TrainingArguments.__post_init__(self)

    kind = _made("SFTConfig", OWN, TrainingArguments, __post_init__=settled)
    arguments.renamed(kind)
    return kind


@functools.cache
def _parser() -> Any:
    """``TrlParser``: the arguments of several classes at once."""
    from transformers import HfArgumentParser

    class TrlParser(HfArgumentParser):
        def parse_args_and_config(self, *given: Any, **options: Any) -> Any:
            return self.parse_args_into_dataclasses(return_remaining_strings=True)[: len(self.dataclass_types)]

    return TrlParser


def _lora(model: Any) -> LoraConfig | None:
    """The adapters that the arguments of a model ask for."""
    if not model.use_peft:
        return None
    return LoraConfig(r=model.lora_r, target_modules=model.lora_target_modules, lora_dropout=model.lora_dropout)


def _bits(model: Any) -> Any:
    """The bits of weights that the arguments of a model ask for."""
    from transformers import BitsAndBytesConfig

    if not (model.load_in_4bit or model.load_in_8bit):
        return None
    bits = {name: getattr(model, name) for name in ("load_in_4bit", "load_in_8bit", "bnb_4bit_quant_type")}
    return BitsAndBytesConfig(**bits)


class SFTTrainer(Trainer):
    """Fine-tuning of a language model on texts that are cut, or packed, to a length."""

    def __init__(self, model: Any = None, args: Any = None, train_dataset: Any = None, **options: Any) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling

        given = args if args is not None else settings()(output_dir="sft")
        named = str(model if isinstance(model, str) else getattr(model, "name_or_path", ""))
        if isinstance(model, str):
            asked = {**(given.model_init_kwargs or {}), "quantization_config": options.get("quantization_config")}
            model = AutoModelForCausalLM.from_pretrained(model, **asked)
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
    made = {"ScriptArguments": _made("ScriptArguments", SCRIPT), "ModelConfig": _made("ModelConfig", MODEL)}
    return {
        "SFTTrainer": SFTTrainer,
        "SFTConfig": settings(),
        "TrlParser": _parser(),
        **made,
        "DatasetMixtureConfig": _made("DatasetMixtureConfig", [("datasets", list[str] | None, None)]),
        "get_peft_config": _lora,
        "get_quantization_config": _bits,
        "setup_chat_format": lambda *each, **_: each,
    }
