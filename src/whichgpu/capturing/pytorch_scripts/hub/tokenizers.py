"""Tokenizers by id: a word or sign is one token, with the model's special tokens, vocabulary size and longest text.

How many tokens a text has depends on its words and on the vocabulary; scripts pad and cut to lengths of their own, or
take the text as it is. English text has about four tokens to three words in the vocabularies of today; texts that stand
for data sets (``data_sets``) are as long in tokens as they are in words.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from whichgpu.capturing.pytorch_scripts.hub.models import LOADING, fields, is_here
from whichgpu.capturing.pytorch_scripts.hub.noted import NOTED
from whichgpu.capturing.words import words

TEMPLATE: Final = "{% for message in messages %}{{ message['role'] }} {{ message['content'] }} {% endfor %}"
"""A chat as its messages one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """Special tokens of a family: around one text and around two, by name; what a model is given beside the tokens."""

    single: str
    pair: str
    names: Mapping[str, str]
    inputs: tuple[str, ...] = ("input_ids", "attention_mask")


_BERT: Final = Style(
    single="[CLS] $A [SEP]",
    pair="[CLS] $A [SEP] $B:1 [SEP]:1",
    names={
        "unk_token": "[UNK]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    },
    inputs=("input_ids", "token_type_ids", "attention_mask"),
)
_PLAIN_BERT: Final = Style(single=_BERT.single, pair=_BERT.pair, names=_BERT.names)
_ROBERTA: Final = Style(
    single="<s> $A </s>",
    pair="<s> $A </s> </s> $B </s>",
    names={
        "unk_token": "<unk>",
        "pad_token": "<pad>",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "cls_token": "<s>",
        "sep_token": "</s>",
        "mask_token": "<mask>",
    },
)
_T5: Final = Style(
    single="$A </s>",
    pair="$A </s> $B </s>",
    names={"unk_token": "<unk>", "pad_token": "<pad>", "eos_token": "</s>"},
)
_GPT: Final = Style(
    single="$A",
    pair="$A $B",
    names=dict.fromkeys(("unk_token", "bos_token", "eos_token"), "<|endoftext|>"),
)
_LLAMA: Final = Style(
    single="<s> $A",
    pair="<s> $A $B",
    names={"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"},
)
STYLES: Final[Mapping[str, Style]] = {
    **dict.fromkeys(words("bert albert electra deberta deberta-v2 xlnet layoutlm"), _BERT),
    **dict.fromkeys(words("distilbert modernbert mpnet"), _PLAIN_BERT),
    **dict.fromkeys(words("roberta xlm-roberta bart camembert longformer whisper"), _ROBERTA),
    **dict.fromkeys(words("t5 mt5 umt5 marian pegasus mbart m2m_100"), _T5),
    **dict.fromkeys(words("llama mistral mixtral gemma gemma2 gemma3_text"), _LLAMA),
}


def tokenizer(name: Any, **options: Any) -> Any:
    """The stand-in of an id's tokenizer; raises Untraceable for an id that nobody knows."""
    found = fields(name)
    style = STYLES.get(str(found["model_type"]), _GPT)
    chosen = {key: value for key, value in options.items() if key not in LOADING and key != "use_fast"}
    made = _kind()(
        tokenizer_object=_words(style, _vocabulary(found)),
        **{
            **style.names,
            "model_max_length": _longest(found),
            "model_input_names": list(style.inputs),
            **chosen,
        },
    )
    made.name_or_path = str(name)
    made.chat_template = made.chat_template or TEMPLATE
    return made


@functools.cache
def _kind() -> Any:
    """Transformers' tokenizer, which notes texts whose length neither the script nor the model decides."""
    from transformers import PreTrainedTokenizerFast

    class Tokenizer(PreTrainedTokenizerFast):
        def _encode_plus(self, *arguments: Any, **options: Any) -> Any:
            found = super()._encode_plus(*arguments, **options)
            cut = str(getattr(options.get("truncation_strategy"), "value", "do_not_truncate")) != "do_not_truncate"
            filled = str(getattr(options.get("padding_strategy"), "value", "")) == "max_length"
            longest = options.get("max_length") or self.model_max_length
            NOTED.free_texts |= not filled and not (cut and _length(found["input_ids"]) >= longest)
            return found

    return Tokenizer


def _length(tokens: Any) -> int:
    """Tokens of the first text."""
    first = tokens[0] if len(tokens) and not isinstance(tokens[0], int) else tokens
    return len(first)


def _vocabulary(found: Mapping[str, Any]) -> int:
    return int(found.get("vocab_size", 30522))


def _longest(found: Mapping[str, Any]) -> int:
    """The longest text of a model in tokens; RoBERTa and its kin keep two places for padding, T5 was trained on 512."""
    named = ("max_position_embeddings", "n_positions", "n_ctx")
    longest = next(
        (int(found[name]) for name in named if name in found), 512 if found["model_type"] != "gpt2" else 1024
    )
    return longest - 2 if longest in (514, 1026) else longest


def _words(style: Style, size: int) -> Any:
    """A tokenizer that splits words and signs and takes each for the same token."""
    library: Any = importlib.import_module("tokenizers")
    special = list(dict.fromkeys(style.names.values()))
    vocabulary = {token: number for number, token in enumerate(special)}
    vocabulary.update({f"token{number}": number for number in range(len(special), size)})
    found = library.Tokenizer(library.models.WordLevel(vocabulary, unk_token=style.names["unk_token"]))
    found.pre_tokenizer = library.pre_tokenizers.Whitespace()
    found.post_processor = library.processors.TemplateProcessing(
        single=style.single, pair=style.pair, special_tokens=[(token, vocabulary[token]) for token in special]
    )
    return found


def _base(module: Any) -> None:
    base = module.PreTrainedTokenizerBase
    read = base.from_pretrained.__func__

    def from_pretrained(cls: Any, /, name: Any, *arguments: Any, **options: Any) -> Any:
        return read(cls, name, *arguments, **options) if is_here(name) else tokenizer(name, **options)

    base.from_pretrained = classmethod(from_pretrained)
    base.save_pretrained = base.push_to_hub = lambda *_, **__: ()


def _auto(module: Any) -> None:
    base = module.AutoTokenizer
    read = base.from_pretrained.__func__

    def from_pretrained(cls: Any, /, name: Any, *arguments: Any, **options: Any) -> Any:
        if is_here(name):
            return read(cls, name, *arguments, **options)
        options.pop("config", None)
        return tokenizer(name, **options)

    base.from_pretrained = classmethod(from_pretrained)


CHANGES: Final[Mapping[str, Callable[[Any], None]]] = {
    "transformers.tokenization_utils_base": _base,
    "transformers.models.auto.tokenization_auto": _auto,
}
"""What is changed in transformers once a module of it is loaded."""
