"""A GGUF header as a transformer: sizes from its metadata, choices from which tensors there are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from whichgpu.capturing import gguf
from whichgpu.capturing.bounded import said, unreadable
from whichgpu.capturing.dimensions import Dimensions
from whichgpu.capturing.language import Model, workload
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.transformer import parameters
from whichgpu.errors import InvalidValue, Untraceable
from whichgpu.workload import Assumption, Workload

_MIXTURES: Final = """F32 F16 Q4_0 Q4_1 - - - Q8_0 Q5_0 Q5_1 Q2_K Q3_K_S Q3_K_M Q3_K_L Q4_K_S Q4_K_M Q5_K_S Q5_K_M
Q6_K IQ2_XXS IQ2_XS Q2_K_S IQ3_XS IQ3_XXS IQ1_S IQ4_NL IQ3_S IQ3_M IQ2_S IQ2_M IQ4_XS IQ1_M BF16"""
FILE_TYPES: Final[Mapping[int, str]] = dict(enumerate(_MIXTURES.split()))
"""llama.cpp's names of mixtures by ``general.file_type`` (enum llama_ftype)."""

PRECISION_BYTES: Final[Mapping[str, float]] = {
    # mean bytes a weight of what the program's weight precisions stand for
    "fp32": 4.0,
    "gguf:F16": 2.0,
    "gguf:BF16": 2.0,
    "gguf:Q8_0": 34 / 32,
    "gguf:Q6_K": 210 / 256,
    "gguf:Q5_K_M": 5.69 / 8,
    "gguf:Q5_K_S": 5.54 / 8,
    "gguf:Q5_0": 22 / 32,
    "gguf:Q4_K_M": 4.85 / 8,
    "gguf:Q4_K_S": 4.58 / 8,
    "gguf:Q4_0": 18 / 32,
    "gguf:Q3_K_M": 3.91 / 8,
    "gguf:Q2_K": 3.35 / 8,
}
NEAR: Final = 0.08
"""How far a file's mean may be from that of its named mixture: small models keep larger shares in wide types."""

IGNORED: Final = re.compile(r"rope_freqs\.weight|rope_factors_(long|short)\.weight|.*attn_rot_embd.*")
"""Tensors that are no parameters."""

_PARTS: Final = """
attn_norm attn_norm_2 attn_q attn_k attn_v attn_qkv attn_output attn_q_norm attn_k_norm attn_output_norm
layer_output_norm post_attention_norm post_ffw_norm ffn_norm ffn_gate ffn_up ffn_down ffn_gate_inp ffn_gate_exps
ffn_up_exps ffn_down_exps ffn_gate_shexp ffn_up_shexp ffn_down_shexp ffn_gate_inp_shexp"""
KNOWN_PARTS: Final = frozenset(_PARTS.split())
"""Tensors of a block that the dimensions below account for."""

GELU: Final = frozenset(
    {"gpt2", "phi2", "falcon", "starcoder2", "gptneox", "bert", "gemma", "gemma2", "gemma3", "bloom"}
)
WINDOW_PERIODS: Final[Mapping[str, int]] = {"gemma2": 2, "gemma3": 6, "cohere2": 4}
"""Architectures in which one layer in so many attends without the window."""


def read(source: str, request: CaptureRequest) -> Workload:
    """The workload of a GGUF file: prefill, or one decoded token."""
    return workload(model(Path(source)), request)


def model(path: Path) -> Model:
    """The language model that a GGUF file holds; raises Untraceable for an architecture of another kind."""
    header = gguf.header(path)
    architecture = header.metadata.get("general.architecture")
    if not isinstance(architecture, str):
        raise unreadable(path.name, "does not say its architecture")
    facts = _Facts(header, architecture, path.name)
    try:
        dimensions = facts.dimensions()
    except InvalidValue as error:
        raise unreadable(path.name, "its sizes are damaged: {problem}", problem=error.message) from error
    precision, assumptions = _weight_precision(header)
    counted, held = parameters(dimensions), facts.parameters()
    if counted != held:
        assumptions.append(Assumption(code="parameters_differ", values={"counted": counted, "file": held}))
    name = header.metadata.get("general.name")
    return Model(
        name=name[:120] if isinstance(name, str) and name.strip() else path.stem,
        dimensions=dimensions,
        source_hash=header.hash,
        family=architecture,
        context=facts.size("context_length", 0),
        stack="llama.cpp",
        weight_precision=precision,
        trains=False,
        assumptions=tuple(assumptions),
    )


def _weight_precision(header: gguf.Header) -> tuple[str, list[Assumption]]:
    """The file's mixture where it is what its name says, else the precision of nearest size, which is told."""
    elements = sum(tensor.elements for tensor in header.tensors.values())
    mean = sum(tensor.bytes for tensor in header.tensors.values()) / max(elements, 1)
    stated = header.metadata.get("general.file_type")
    named = f"gguf:{FILE_TYPES.get(stated, '-')}" if isinstance(stated, int) else ""
    told = {"file": named.removeprefix("gguf:"), "bits_per_weight": round(8 * mean, 3)}
    assumptions = [Assumption(code="gguf_mixture", values=told)]
    known = PRECISION_BYTES.get(named)
    if known is not None and abs(mean - known) <= NEAR * known:
        return named, assumptions
    nearest = min(PRECISION_BYTES, key=lambda name: abs(PRECISION_BYTES[name] - mean))
    if nearest != named:
        values = {"precision": nearest, **told}
        assumptions = [Assumption(code="weight_precision_nearest", values=values)]
    return nearest, assumptions


class _Facts:
    """What a header says, by the names of its architecture and of the tensors of a block."""

    def __init__(self, header: gguf.Header, architecture: str, file: str) -> None:
        self.header, self.architecture, self.file = header, architecture, file
        self.tensors = header.tensors
        self.blocks = self._blocks()

    def _blocks(self) -> dict[str, tuple[int, ...]]:
        """The parts of all blocks, ``attn_q.weight`` …, with the shape of the last that has it."""
        found = {}
        for name, tensor in self.tensors.items():
            matched = re.fullmatch(r"blk\.\d+\.([\w.]+)", name)
            if matched and not IGNORED.fullmatch(name):
                found[matched[1]] = tensor.shape
        return found

    def parameters(self) -> int:
        """The number of weights in the file."""
        return sum(tensor.elements for name, tensor in self.tensors.items() if not IGNORED.fullmatch(name))

    def has(self, part: str) -> bool:
        return part in self.blocks

    def size(self, key: str, default: int | None = None) -> int:
        """A whole number of the architecture's metadata; of a list the one value that all layers have."""
        value = self.header.metadata.get(f"{self.architecture}.{key}", default)
        if isinstance(value, list) and value and all(item == value[0] for item in value):
            value = value[0]
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, list | dict):
            raise self._other(f"{key} differs from layer to layer")
        raise unreadable(self.file, "lacks {key}", key=said(f"{self.architecture}.{key}", 120))

    def _other(self, reason: str) -> Untraceable:
        return Untraceable(
            "{file}: the architecture {architecture} is not read from its header ({reason})",
            file=self.file,
            architecture=said(self.architecture, 40),
            reason=said(reason, 120),
            hint="give its config.json, which transformers can build",
        )

    def check(self) -> None:
        """Raise Untraceable where a block has parts that a plain transformer has not."""
        if not self.blocks:
            raise self._other("it has no blocks")
        strange = sorted({part.rsplit(".", 1)[0] for part in self.blocks} - KNOWN_PARTS)
        if strange:
            raise self._other(f"unknown tensors {', '.join(strange[:3])}")
        if not (self.has("attn_q.weight") or self.has("attn_qkv.weight")):
            raise self._other("it has no attention")

    def dimensions(self) -> Dimensions:
        """The transformer that the metadata and the tensors describe."""
        self.check()
        post = self.has("attn_output_norm.weight")
        rms = f"{self.architecture}.attention.layer_norm_rms_epsilon" in self.header.metadata
        gated = self.has("ffn_gate.weight") or self.has("ffn_gate_exps.weight")
        choices: dict[str, Any] = {
            "causal": self.header.metadata.get(f"{self.architecture}.attention.causal", True) is not False,
            "activation": "gelu" if self.architecture in GELU else "silu",
            "gated": gated or self._fused_gate(),
            "fused_gate": self._fused_gate(),
            "norm": "rms" if rms else "layer",
            "norm_shift": self.has("attn_norm.bias") or self.has("attn_output_norm.bias"),
            "norm_place": "post" if post else "both" if self.has("post_attention_norm.weight") else "pre",
            "final_norm": "output_norm.weight" in self.tensors,
            "embedding_norm": "token_embd_norm.weight" in self.tensors,
            "parallel": self._parallel(),
            "block_norms": 1 if not self.has("ffn_norm.weight") and not self.has("attn_norm_2.weight") else 2,
        }
        for part in (self._sizes(), self._attention(), self._experts(), self._ends()):
            choices.update(part)
        return Dimensions(**choices)

    def _fused_gate(self) -> bool:
        shape = self.blocks.get("ffn_up.weight", ())
        return not self.has("ffn_gate.weight") and len(shape) == 2 and shape[1] == 2 * self._feed_forward()

    def _feed_forward(self) -> int:
        return self.size("feed_forward_length", 0)

    def _parallel(self) -> bool:
        stated = self.header.metadata.get(f"{self.architecture}.use_parallel_residual")
        one_norm = not self.has("ffn_norm.weight") and not self.has("attn_output_norm.weight")
        return bool(stated) if stated is not None else one_norm or self.has("attn_norm_2.weight")

    def _sizes(self) -> dict[str, int]:
        hidden, heads = self.size("embedding_length"), self.size("attention.head_count")
        head_size = self.size("attention.key_length", hidden // max(heads, 1))
        if self.size("attention.value_length", head_size) != head_size:
            raise self._other("keys and values of different sizes")
        return {
            "hidden": hidden,
            "layers": self.size("block_count"),
            "heads": heads,
            "kv_heads": self.size("attention.head_count_kv", heads),
            "head_size": head_size,
            "feed_forward": self._feed_forward(),
            "vocabulary": self._vocabulary(),
        }

    def _vocabulary(self) -> int:
        table = self.tensors.get("token_embd.weight")
        if table is None or len(table.shape) != 2:
            raise self._other("it has no table of tokens")
        return table.shape[1]

    def _attention(self) -> dict[str, Any]:
        fused = self.has("attn_qkv.weight")
        norm = self.blocks.get("attn_q_norm.weight", ())
        head = self._sizes()["head_size"]
        return {
            "fused_qkv": fused,
            "q_bias": self.has("attn_qkv.bias") if fused else self.has("attn_q.bias"),
            "kv_bias": self.has("attn_k.bias"),
            "out_bias": self.has("attn_output.bias"),
            "ff_bias": self.has("ffn_up.bias"),
            "qk_norm": bool(norm),
            "qk_norm_width": "head" if norm and norm[0] == head else "all",
            "window": self.size("attention.sliding_window", 0),
            "window_period": WINDOW_PERIODS.get(self.architecture, 1),
        }

    def _experts(self) -> dict[str, Any]:
        if not self.has("ffn_up_exps.weight"):
            return {}
        shared = self.blocks.get("ffn_up_shexp.weight", ())
        return {
            "experts": self.size("expert_count"),
            "top_k": self.size("expert_used_count"),
            "expert_feed_forward": self.blocks["ffn_up_exps.weight"][1],
            "shared_feed_forward": shared[1] if len(shared) == 2 else 0,
            "shared_gate": self.has("ffn_gate_inp_shexp.weight"),
            "router_bias": self.has("ffn_gate_inp.bias"),
            "dense_layers": self.size("leading_dense_block_count", 0),
        }

    def _ends(self) -> dict[str, Any]:
        """What stands before the first block and after the last."""
        positions, segments = self.tensors.get("position_embd.weight"), self.tensors.get("token_types.weight")
        encoder = self.has("attn_output_norm.weight")
        return {
            "positions": positions.shape[-1] if positions is not None and positions.shape else 0,
            "segments": segments.shape[-1] if segments is not None and segments.shape else 0,
            "head": not encoder,
            "tied": "output.weight" not in self.tensors,
            "head_bias": "output.bias" in self.tensors,
        }
