"""Low-rank adapters (Hu et al. 2021): chosen linear layers stay as they are and gain two narrow ones that train."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn

from whichgpu.errors import InvalidValue, nearest

LARGEST_RANK: Final = 2**16
EVERY: Final = "all-linear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """Adapters of ``rank`` on the layers whose names end in one of ``targets`` (``all-linear``: all but the head).

    ``also`` are modules that train whole beside them; ``pattern`` says that the one target is a regular expression.
    """

    rank: int = 16
    targets: tuple[str, ...] = ("q_proj", "v_proj")
    dropout: bool = True
    also: tuple[str, ...] = ()
    pattern: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.rank, int) or not 1 <= self.rank <= LARGEST_RANK:
            raise InvalidValue(
                "the rank {rank!r} of adapters must be a whole number from 1 to {largest}",
                rank=self.rank,
                largest=LARGEST_RANK,
                field="lora-rank",
            )

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Lora:
        """The adapters that an ``adapter_config.json`` describes; raises InvalidValue for another kind of adapter."""
        kind = fields.get("peft_type", "LORA")
        if kind != "LORA":
            raise InvalidValue("adapters of type {kind} are not followed, only LORA", kind=str(kind)[:40])
        named = fields.get("target_modules") or ("q_proj", "v_proj")
        also = fields.get("modules_to_save") or ()
        return cls(
            rank=fields.get("r", 8),
            targets=(named,) if isinstance(named, str) else tuple(str(name) for name in named),
            dropout=bool(fields.get("lora_dropout")),
            also=tuple(str(name) for name in also),
            pattern=isinstance(named, str) and named != EVERY,
        )

    def targets_layer(self, name: str) -> bool:
        """Whether the layer called ``name`` gains an adapter."""
        if self.pattern:
            return re.fullmatch(self.targets[0], name) is not None
        return self.targets == (EVERY,) or any(name == t or name.endswith(f".{t}") for t in self.targets)


def _attach(layer: Any, lora: Lora, width: int, depth: int) -> None:
    """Give a linear layer, which stays as it is, a narrow detour beside it that trains."""
    layer.lora_drop = nn.Dropout(0.05 if lora.dropout else 0.0)
    layer.lora_down = nn.Linear(depth, lora.rank, bias=False)
    layer.lora_up = nn.Linear(lora.rank, width, bias=False)
    layer.register_forward_hook(_with_detour)


def _with_detour(layer: Any, given: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
    """The layer's own output and the detour's, scaled."""
    detour: torch.Tensor = layer.lora_up(layer.lora_down(layer.lora_drop(given[0]))) * 2.0
    return output + detour


def adapt(model: nn.Module, lora: Lora) -> int:
    """Freeze ``model`` but for adapters and ``lora.also``; the number of layers that gained one.

    Raises InvalidValue where no layer has such a name.
    """
    model.requires_grad_(False)
    layers = dict(_linear_layers(model))
    chosen = {name: sizes for name, sizes in layers.items() if lora.targets_layer(name)}
    if lora.targets == (EVERY,):
        head = getattr(model, "get_output_embeddings", lambda: None)()
        chosen = {name: sizes for name, sizes in chosen.items() if model.get_submodule(name) is not head}
    if not chosen:
        raise _unknown(lora, layers)
    for name, (width, depth) in chosen.items():
        _attach(model.get_submodule(name), lora, width, depth)
    for name, module in model.named_modules():
        if any(name == also or name.endswith(f".{also}") for also in lora.also):
            module.requires_grad_(True)
    return len(chosen)


def _linear_layers(model: nn.Module) -> Iterator[tuple[str, tuple[int, int]]]:
    """Names of linear layers with their widths out and in; GPT-2's Conv1D keeps its matrix the other way round."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            yield name, (module.out_features, module.in_features)
        elif type(module).__name__ == "Conv1D":
            depth, width = module.weight.shape
            yield name, (int(width), int(depth))


def _unknown(lora: Lora, layers: Mapping[str, Any]) -> InvalidValue:
    known = sorted({name.rpartition(".")[2] for name in layers})
    return InvalidValue(
        "no layer is called {targets}",
        targets=", ".join(lora.targets),
        field="lora-targets",
        hint="did you mean {close}? Linear layers here: {known}",
        close=nearest(lora.targets[0], known) or EVERY,
        known=", ".join(known[:20]),
    )
