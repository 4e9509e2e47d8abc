"""Measured operators as arrays: geometry and seconds of every published kernel, ready for costing and fitting.

    from pathlib import Path
    from whichgpu.measurements.operators import operator_blocks

    for block in operator_blocks(Path("data/measurements")):
        chosen = block.select(block.seconds >= 20e-6)
        print(block.source, block.operator, block.kind, block.direction, block.precision, len(chosen))
        gpu_ids = [block.gpus[i] for i in chosen.gpu]          # None where the board is not in the catalogue
        m, n, k = (chosen.geometry[name] for name in "mnk")    # for kind "gemm"

A block is homogeneous: one source, published operator, kind, direction, precision, stack and year.
``geometry`` by kind:

======================  =====================================================================================
gemm                    batch, m, n, k
conv                    images, channels, height, width, filters, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w,
                        out_h, out_w (no groups)
rnn                     batch, hidden, steps (facts: cell; no input product)
attention               batch, heads, kv_heads, queries, keys, depth, window (0: none), causal
elementwise             elements read, elements written (facts: function)
norm, softmax           rows, width (facts: norm)
embedding               rows, width
======================  =====================================================================================

``facts`` are constants of the block: bytes of an element (``a_bytes``, ``b_bytes``, ``c_bytes`` of a product's
operands and result, else ``element_bytes``), ``reads_result`` (beta = 1), ``quantises`` (the kernel's first step
casts its input), ``cell``, ``function``, ``norm``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from whichgpu.catalog import default_catalog
from whichgpu.measurements.reading import Codes, Flags, Floats, Sheet, read_folder
from whichgpu.measurements.sources import resolve_gpu, resolve_stack, sources
from whichgpu.units import MILLI

Geometry = Mapping[str, Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a published operator is read: its kind, and its geometry from the row's numbers."""

    kind: str
    geometry: Callable[[Callable[[str], Floats]], dict[str, Floats]]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Measured kernels of one kind from one source under one stack; see the module's head for ``geometry``."""

    source: str
    operator: str
    kind: str
    direction: str
    precision: str
    stack: str
    year: int
    rows: Codes
    gpus: tuple[str | None, ...]
    gpu: Codes
    seconds: Floats
    geometry: Geometry
    facts: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, chosen: Flags | Codes) -> Block:
        """The block's rows that are chosen."""
        return dataclasses.replace(
            self,
            rows=self.rows[chosen],
            gpu=self.gpu[chosen],
            seconds=self.seconds[chosen],
            geometry={name: column[chosen] for name, column in self.geometry.items()},
        )


# --- geometry readers: published numbers → columns -------------------------------------------------------------

Numbers = Callable[[str], Floats]


def _linear(number: Numbers) -> dict[str, Floats]:
    rows = number("B") * number("M")
    return {"batch": np.ones_like(rows), "m": rows, "n": number("N"), "k": number("K")}


def _bmm(number: Numbers) -> dict[str, Floats]:
    return {"batch": number("B"), "m": number("M"), "n": number("N"), "k": number("K")}


def _product(number: Numbers) -> dict[str, Floats]:
    m = number("m")
    return {"batch": np.ones_like(m), "m": m, "n": number("n"), "k": number("k")}


def _elements(operands: int) -> Callable[[Numbers], dict[str, Floats]]:
    def read(number: Numbers) -> dict[str, Floats]:
        elements = number("B") * number("H")
        return {"read": operands * elements, "written": elements}

    return read


def _rows(number: Numbers) -> dict[str, Floats]:
    return {"rows": number("B"), "width": number("H")}


def _square_conv(number: Numbers) -> dict[str, Floats]:
    # The source spells its column "Kernel_Szie".
    size, kernel, stride, pad = number("Input_Size"), number("Kernel_Szie"), number("Stride"), number("Padding")
    return _conv(
        images=number("B"),
        channels=number("Input_Channel"),
        filters=number("Output_Channel"),
        image=(size, size),
        kernel=(kernel, kernel),
        stride=(stride, stride),
        pad=(pad, pad),
    )


def _library_conv(number: Numbers) -> dict[str, Floats]:
    # The published output sizes p and q are swapped or fractional in some sheets: they are computed instead.
    return _conv(
        images=number("n"),
        channels=number("c"),
        filters=number("k"),
        image=(number("h"), number("w")),
        kernel=(number("filt_R_h"), number("filt_S_w")),
        stride=(number("vertical_stride"), number("horizontal_stride")),
        pad=(number("pad_h"), number("pad_w")),
    )


def _conv(
    *,
    images: Floats,
    channels: Floats,
    filters: Floats,
    image: tuple[Floats, Floats],
    kernel: tuple[Floats, Floats],
    stride: tuple[Floats, Floats],
    pad: tuple[Floats, Floats],
) -> dict[str, Floats]:
    out = [np.floor((image[i] + 2 * pad[i] - kernel[i]) / stride[i]) + 1 for i in (0, 1)]
    columns = {"images": images, "channels": channels, "filters": filters}
    for name, pair in (("kernel", kernel), ("stride", stride), ("pad", pad), ("out", out)):
        columns[f"{name}_h"], columns[f"{name}_w"] = pair
    columns["height"], columns["width"] = image
    return columns


def _recurrence(number: Numbers) -> dict[str, Floats]:
    # The inference sheets call the hidden size "input": both are equal in this source.
    hidden = number("hidden_units")
    return {
        "batch": number("n"),
        "hidden": np.where(np.isnan(hidden), number("input"), hidden),
        "steps": number("timesteps"),
    }


def _attention(number: Numbers) -> dict[str, Floats]:
    # Generation: one query a sequence over ``step`` cached keys; context: as many queries as keys, causal.
    window = number("window_size")
    new, cached = number("isl"), number("step")
    return {
        "batch": number("batch_size"),
        "heads": number("num_heads"),
        "kv_heads": number("num_key_value_heads"),
        "queries": new,
        "keys": np.maximum(new + cached, 1.0),
        "depth": number("head_dim"),
        "window": np.where(np.isnan(window), 0.0, window),
    }


def _vidur(m: str, n: str) -> Callable[[Numbers], dict[str, Floats]]:
    """A layer's linear operator: tokens by width ``m`` to width ``n``, narrowed by tensor parallelism."""

    def read(number: Numbers) -> dict[str, Floats]:
        tokens = number("num_tokens")
        return {"batch": np.ones_like(tokens), "m": tokens, "n": _width(n, number), "k": _width(m, number)}

    return read


def _width(name: str, number: Numbers) -> Floats:
    hidden, heads, kv_heads = number("n_embd"), number("n_head"), number("n_kv_head")
    parallel, expanded, depth = number("tp"), number("n_expanded"), hidden / heads
    widths = {
        "hidden": hidden,
        "query_key_value": (heads + 2 * kv_heads) * depth / parallel,
        "query_key": (heads + kv_heads) * depth / parallel,
        "query": heads * depth / parallel,
        "up": expanded * (1 + number("gated")) / parallel,
        "down": expanded / parallel,
    }
    return widths[name]


def _streamed(read_width: str, written_width: str) -> Callable[[Numbers], dict[str, Floats]]:
    def read(number: Numbers) -> dict[str, Floats]:
        tokens = number("num_tokens")
        return {
            "read": tokens * _width(read_width, number),
            "written": tokens * _width(written_width, number),
        }

    return read


def _residual(number: Numbers) -> dict[str, Floats]:
    # Models without a gate here (phi-2) run attention and perceptron side by side and add twice.
    elements, additions = number("num_tokens") * number("n_embd"), 2.0 - number("gated")
    return {"read": 2.0 * additions * elements, "written": additions * elements}


def _token_rows(number: Numbers) -> dict[str, Floats]:
    return {"rows": number("num_tokens"), "width": number("n_embd")}


def _recipes() -> dict[tuple[str, str], Recipe]:
    fp32: dict[str, Any] = {"element_bytes": 4.0}
    half: dict[str, Any] = {"element_bytes": 2.0}
    rms = {**half, "norm": "rms"}
    activation = {**half, "function": "silu"}
    found = {
        ("neusight_ops", "linear"): Recipe(kind="gemm", geometry=_linear, facts=fp32),
        ("neusight_ops", "bmm"): Recipe(kind="gemm", geometry=_bmm, facts=fp32),
        ("neusight_ops", "conv"): Recipe(kind="conv", geometry=_square_conv, facts=fp32),
        ("neusight_ops", "ln"): Recipe(kind="norm", geometry=_rows, facts=fp32),
        ("neusight_ops", "softmax"): Recipe(kind="softmax", geometry=_rows, facts=fp32),
        ("deepbench", "gemm"): Recipe(kind="gemm", geometry=_product, facts={"reads_result": True}),
        ("deepbench", "conv2d"): Recipe(kind="conv", geometry=_library_conv),
        ("aic", "gemm"): Recipe(kind="gemm", geometry=_product),
        ("aic", "context_attention"): Recipe(kind="attention", geometry=_attention, facts={"causal": True}),
        ("aic", "generation_attention"): Recipe(kind="attention", geometry=_attention, facts={"causal": True}),
        ("vidur", "emb"): Recipe(kind="embedding", geometry=_token_rows, facts=half),
        ("vidur", "input_layernorm"): Recipe(kind="norm", geometry=_token_rows, facts=rms),
        ("vidur", "post_attention_layernorm"): Recipe(kind="norm", geometry=_token_rows, facts=rms),
        ("vidur", "attn_pre_proj"): Recipe(kind="gemm", geometry=_vidur("hidden", "query_key_value"), facts=half),
        ("vidur", "attn_post_proj"): Recipe(kind="gemm", geometry=_vidur("query", "hidden"), facts=half),
        ("vidur", "mlp_up_proj"): Recipe(kind="gemm", geometry=_vidur("hidden", "up"), facts=half),
        ("vidur", "mlp_down_proj"): Recipe(kind="gemm", geometry=_vidur("down", "hidden"), facts=half),
        ("vidur", "mlp_act"): Recipe(kind="elementwise", geometry=_streamed("up", "down"), facts=activation),
        ("vidur", "attn_rope"): Recipe(
            kind="elementwise", geometry=_streamed("query_key", "query_key"), facts={**half, "function": "rope"}
        ),
        ("vidur", "add"): Recipe(kind="elementwise", geometry=_residual, facts=half),
    }
    for cell in ("rnn", "lstm", "gru"):
        found["deepbench", cell] = Recipe(kind="rnn", geometry=_recurrence, facts={"cell": cell})
    for name in ("add", "mul", "div", "pow", "relu", "tanh", "gelu"):
        facts = {**fp32, "function": name}
        operands = 2 if name in ("add", "mul", "div", "pow") else 1
        found["neusight_ops", name] = Recipe(kind="elementwise", geometry=_elements(operands), facts=facts)
        # With a scalar in place of the second tensor.
        found["neusight_ops", f"{name}u"] = Recipe(kind="elementwise", geometry=_elements(1), facts=facts)
    return found


RECIPES: Final[Mapping[tuple[str, str], Recipe]] = _recipes()
"""Published operator (source, name) → how to read it."""

DIRECTIONS: Final[Mapping[str, str]] = {
    "fwd": "forward",
    "bwd_data": "input",
    "bwd_inputs": "input",
    "bwd_weights": "weight",
    "bwd_params": "weight",
    "bwd_all": "backward",
}
"""Published phase of an operator → its direction; ``backward`` is both gradients together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorPrecision:
    """What a product multiplies in, and bytes of an element of its operands and result.

    ``quantises`` are the bytes an element of the 16-bit input that the timed call reads and casts first, 0 for none;
    ``scaled_rows`` says that this cast first looks for the largest element of each row.
    """

    precision: str
    a_bytes: float
    b_bytes: float
    c_bytes: float
    quantises: float = 0.0
    scaled_rows: bool = False


PRECISIONS: Final[Mapping[tuple[str, str], OperatorPrecision]] = {
    ("neusight_ops", "fp32"): OperatorPrecision(precision="fp32", a_bytes=4, b_bytes=4, c_bytes=4),
    ("deepbench", "fp32"): OperatorPrecision(precision="fp32", a_bytes=4, b_bytes=4, c_bytes=4),
    ("deepbench", "fp16-pseudo(fp32 math)"): OperatorPrecision(precision="fp32", a_bytes=2, b_bytes=2, c_bytes=2),
    ("deepbench", "fp16-mixed(tensorcore)"): OperatorPrecision(precision="fp16", a_bytes=2, b_bytes=2, c_bytes=2),
    # 8-bit products accumulate and are written in 32 bits.
    ("deepbench", "int8"): OperatorPrecision(precision="int8", a_bytes=1, b_bytes=1, c_bytes=4),
    ("vidur", "fp16"): OperatorPrecision(precision="fp16", a_bytes=2, b_bytes=2, c_bytes=2),
    ("aic", "bfloat16"): OperatorPrecision(precision="bf16", a_bytes=2, b_bytes=2, c_bytes=2),
    ("aic", "float16"): OperatorPrecision(precision="fp16", a_bytes=2, b_bytes=2, c_bytes=2),
    ("aic", "fp8"): OperatorPrecision(precision="fp8", a_bytes=1, b_bytes=1, c_bytes=2, quantises=2, scaled_rows=True),
    ("aic", "fp8_block"): OperatorPrecision(
        precision="fp8", a_bytes=1, b_bytes=1, c_bytes=2, quantises=2, scaled_rows=True
    ),
    # Four bits and an 8-bit scale a block of 16.
    ("aic", "nvfp4"): OperatorPrecision(precision="fp4", a_bytes=0.5625, b_bytes=0.5625, c_bytes=2, quantises=2),
}
"""(source, published dtype) → what the operator computes in and moves."""


def operator_blocks(folder: Path) -> Iterator[Block]:
    """Every block of the folder's operator rows with a positive time; other rows are left to validation to count."""
    for sheet in read_folder(folder):
        if isinstance(sheet, Sheet):
            positive = np.isfinite(sheet.value) & (sheet.value > 0) & ~sheet.duplicate
            yield from blocks(sheet, positive)


_GROUPS: Final = ("source", "model", "phase", "dtype", "framework", "kernel_source", "kv_cache_dtype")


def blocks(sheet: Sheet, chosen: Flags) -> Iterator[Block]:
    """The chosen rows of a sheet that are timed operators with a recipe, as homogeneous blocks."""
    chosen = chosen & sheet.matching("level", lambda level: level == "op")
    chosen = chosen & sheet.matching("unit", lambda unit: unit == "ms")
    index = np.flatnonzero(chosen)
    if not len(index):
        return
    columns = [name for name in _GROUPS if name in sheet.codes]
    group, keys = sheet.grouped(columns)
    present = np.unique(group[index])
    for number in present:
        named = dict(zip(columns, keys[number], strict=True))
        block = _block(sheet, index[group[index] == number], named)
        if block is not None:
            yield block


def _block(sheet: Sheet, rows: Codes, named: Mapping[str, Any]) -> Block | None:
    source, operator = str(named["source"]), str(named["model"])
    recipe = RECIPES.get((source, operator))
    precision = PRECISIONS.get((source, str(named["dtype"])))
    if recipe is None or precision is None or named["phase"] not in DIRECTIONS:
        return None
    cache: dict[str, Floats] = {}

    def number(key: str) -> Floats:
        if key not in cache:
            cache[key] = (_gated(sheet) if key == "gated" else sheet.parameter(key))[rows]
        return cache[key]

    geometry = recipe.geometry(number)
    names, gpu = np.unique(sheet.codes["gpu"][rows], return_inverse=True)
    catalog = default_catalog()
    published = [sheet.values["gpu"][code] if code >= 0 else None for code in names]
    stack, year = _stack(source, named, sheet, int(rows[0]))
    return Block(
        source=source,
        operator=operator,
        kind=recipe.kind,
        direction=DIRECTIONS[str(named["phase"])],
        precision=precision.precision,
        stack=stack,
        year=year,
        rows=rows,
        gpus=tuple(resolve_gpu(source, name, catalog).id for name in published),
        gpu=gpu.astype(np.int64),
        seconds=sheet.value[rows] * MILLI,
        geometry=geometry,
        facts=_facts(recipe, precision, named),
    )


def _gated(sheet: Sheet) -> Floats:
    table = np.array([*(float(str(entry.get("gated")) == "True") for entry in sheet.parameters()), 0.0])
    found: Floats = table[sheet.codes["params"]]
    return found


def _stack(source: str, named: Mapping[str, Any], sheet: Sheet, row: int) -> tuple[str, int]:
    path = sheet.entry("repo_path", row) if "repo_path" in sheet.codes else None
    if source not in sources():
        return "raw-library", 0
    return resolve_stack(source, named["framework"], path, {})


def _facts(recipe: Recipe, precision: OperatorPrecision, named: Mapping[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "a_bytes": precision.a_bytes,
        "b_bytes": precision.b_bytes,
        "c_bytes": precision.c_bytes,
        "element_bytes": precision.a_bytes,
        "quantises": precision.quantises,
        "scaled_rows": precision.scaled_rows,
        **recipe.facts,
    }
    if "kernel_source" in named:
        facts["kernel"] = named["kernel_source"]
    if "kv_cache_dtype" in named:
        facts["kv_bytes"] = 1.0 if str(named["kv_cache_dtype"]).startswith("fp8") else 2.0
    return facts
