"""A ``config.json`` as plain fields: what it says of weights and adapters, and whether its sizes are those of a model.

No framework is imported and no code that a configuration names is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from whichgpu.capturing.bounded import content, json_object, unreadable
from whichgpu.errors import SourceNotFound, Untraceable
from whichgpu.units import MIB

MOST_CONFIG_BYTES: Final = 8 * MIB
MOST_LAYERS: Final = 2_000
LARGEST_SIZE: Final = 2**40

_COUNTS: Final = re.compile(r"(^|_)(layers?|depths?|blocks?|stages?)($|_)")
_NOT_COUNTS: Final = re.compile(r"_(idx|ids?|index|indices|size|dim|type|norm|scale|freq|interval|pattern|drop)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The fields of a configuration, the name of its model and of the file, and the adapter beside it, if any."""

    fields: Mapping[str, Any]
    name: str
    file: str
    adapter: Mapping[str, Any] | None = None

    @property
    def model_type(self) -> str:
        """The architecture's family."""
        return str(self.fields.get("model_type", ""))[:80]


def read_configuration(path: Path) -> Configuration:
    """The configuration in a folder or file; raises SourceNotFound or SourceUnreadable."""
    file = path / "config.json" if path.is_dir() else path
    if not file.exists():
        raise SourceNotFound("there is no file {source}", source=str(file), hint="give a model's folder or config.json")
    fields = json_object(content(file, MOST_CONFIG_BYTES), file.name)
    if not isinstance(fields.get("model_type"), str):
        raise unreadable(file.name, "it names no model_type", hint="give the config.json of a transformers model")
    for key, value in numbers(fields):
        _check(file.name, key, value)
    adapter = file.with_name("adapter_config.json")
    return Configuration(
        fields=fields,
        name=file.resolve().parent.name or str(fields["model_type"]),
        file=file.name,
        adapter=json_object(content(adapter, MOST_CONFIG_BYTES), adapter.name) if adapter.exists() else None,
    )


def numbers(value: Any, key: str = "") -> Iterator[tuple[str, int]]:
    """Every whole number among nested fields, with the nearest name."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from numbers(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from numbers(inner, key)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield key, value


def _check(file: str, key: str, value: int) -> None:
    counts = _COUNTS.search(key) and not _NOT_COUNTS.search(key)
    largest = MOST_LAYERS if counts else LARGEST_SIZE
    if abs(value) > largest:
        raise unreadable(
            file, "{key} is {value}, where at most {largest} makes sense", key=key[:80], value=value, largest=largest
        )


def refuse_code(configuration: Configuration) -> None:
    """Raise Untraceable for a model that only its own Python code can build."""
    if configuration.fields.get("auto_map"):
        raise Untraceable(
            "{file}: the model type {type} needs Python code of its own (auto_map), which is never run",
            file=configuration.file,
            type=configuration.model_type,
            hint="capture it from your own process with whichgpu.capturing.pytorch.capture(module, inputs)",
        )


def weight_precision(fields: Mapping[str, Any]) -> str | None:
    """The type that a quantised checkpoint keeps its weights in; None where they are not quantised."""
    found = fields.get("quantization_config")
    if not isinstance(found, Mapping):
        return None
    method = str(found.get("quant_method", "")).lower()
    if method in ("bitsandbytes", "") and found.get("load_in_4bit"):
        doubly = "nf4-dq" if found.get("bnb_4bit_use_double_quant") else "nf4"
        return "fp4" if found.get("bnb_4bit_quant_type") == "fp4" else doubly
    if found.get("load_in_8bit"):
        return "int8"
    if method == "mxfp4":
        return "fp4"
    if "fp8" in method or "fp8" in str(found.get("format", "")).lower():
        return "fp8"
    return _by_bits(found)


def _by_bits(found: Mapping[str, Any]) -> str | None:
    """GPTQ, AWQ, compressed-tensors and their kin: so many bits of whole numbers, or of floats."""
    groups = found.get("config_groups")
    weights: Mapping[str, Any] = found
    if isinstance(groups, Mapping):
        first = next((group for group in groups.values() if isinstance(group, Mapping)), {})
        weights = first.get("weights") or {}
    bits = weights.get("num_bits", weights.get("bits", found.get("w_bit")))
    kind = "fp" if weights.get("type") == "float" else "int"
    name = f"{kind}{bits}"
    return name if name in ("int4", "int8", "fp4", "fp8") else None


def native_precision(fields: Mapping[str, Any]) -> str | None:
    """The half type that a checkpoint is kept in, as a precision; None for float32 or where it is not said."""
    text = fields.get("text_config")
    inner = text if isinstance(text, Mapping) else {}
    named = next((f[k] for f in (fields, inner) for k in ("dtype", "torch_dtype") if f.get(k)), "")
    return {"float16": "fp16", "bfloat16": "bf16"}.get(str(named))
