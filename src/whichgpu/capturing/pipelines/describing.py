"""A pipeline's folder as plain fields: which networks it has, and the configuration of each; no code of it is run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from whichgpu.capturing.bounded import content, json_object, said, unreadable
from whichgpu.errors import Untraceable
from whichgpu.units import MIB

INDEX: Final = "model_index.json"
MOST_CONFIG_BYTES: Final = 8 * MIB
LARGEST_SIZE: Final = 2**40
DENOISERS: Final = ("unet", "transformer")
TEXT_ENCODERS: Final = ("text_encoder", "text_encoder_2", "text_encoder_3")
DECODERS: Final = ("vae", "vqvae", "movq")
LIBRARIES: Final = ("diffusers", "transformers")
_NOT_NETWORKS: Final = ("tokenizer", "scheduler", "feature_extractor", "image_processor", "safety_checker", "_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One network: the class that builds it, its library, the fields of its configuration, and tokens it reads."""

    library: str
    kind: str
    fields: Mapping[str, Any]
    tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A pipeline: its name, its class, and its networks by the names of their folders."""

    name: str
    kind: str
    components: Mapping[str, Component]

    def hash(self) -> str:
        """A hash of all configurations."""
        rows = [[name, part.kind, dict(part.fields)] for name, part in sorted(self.components.items())]
        return hashlib.sha256(json.dumps([self.kind, rows], sort_keys=True, default=str).encode()).hexdigest()


def described(path: Path) -> Description:
    """The pipeline in a folder, or of its index; raises SourceError."""
    folder = path if path.is_dir() else path.parent
    index = json_object(content(folder / INDEX, MOST_CONFIG_BYTES), INDEX)
    kind = index.get("_class_name")
    if not isinstance(kind, str):
        raise _code(said(kind)) if isinstance(kind, list) else unreadable(INDEX, "names no pipeline (_class_name)")
    components = {}
    for name, row in index.items():
        if name.startswith(_NOT_NETWORKS) or not _is_network(row):
            continue
        library, class_name = row
        if library not in LIBRARIES:
            raise _code(f"{library}.{class_name}"[:80])
        if name in (*DENOISERS, *TEXT_ENCODERS, *DECODERS):
            components[name] = _component(folder, name, library, class_name)
    if not any(name in components for name in DENOISERS):
        raise unreadable(INDEX, "has no network that denoises (unet or transformer)")
    return Description(name=folder.resolve().name, kind=kind[:80], components=components)


def _is_network(row: Any) -> bool:
    return isinstance(row, list) and len(row) == 2 and all(isinstance(part, str) for part in row)


def _component(folder: Path, name: str, library: str, kind: str) -> Component:
    file = folder / name / "config.json"
    fields = json_object(content(file, MOST_CONFIG_BYTES), f"{name}/config.json")
    if fields.get("auto_map"):
        raise _code(f"{name}/config.json")
    for value in _numbers(fields):
        if abs(value) > LARGEST_SIZE:
            raise unreadable(f"{name}/config.json", "a size of {value} makes no sense", value=value)
    return Component(library=library, kind=kind[:80], fields=fields, tokens=_tokens(folder, name))


def _numbers(value: Any) -> list[int]:
    if isinstance(value, Mapping):
        return [number for inner in value.values() for number in _numbers(inner)]
    if isinstance(value, list):
        return [number for inner in value for number in _numbers(inner)]
    return [value] if isinstance(value, int) and not isinstance(value, bool) else []


def _tokens(folder: Path, name: str) -> int:
    """The tokens of a prompt that the tokenizer beside a text encoder pads to; 0 where it does not say."""
    file = folder / name.replace("text_encoder", "tokenizer") / "tokenizer_config.json"
    if not name.startswith("text_encoder") or not file.is_file():
        return 0
    length = json_object(content(file, MOST_CONFIG_BYTES), file.name).get("model_max_length")
    return length if isinstance(length, int) and 0 < length <= 2**20 else 0


def _code(what: str) -> Untraceable:
    return Untraceable(
        "{file}: {what} is Python code of the pipeline's own, which is never run",
        file=INDEX,
        what=what,
        hint="capture its networks from your own process with whichgpu.capturing.pytorch.capture(module, inputs)",
    )
