"""ONNX operators over sequences: recurrent layers and attention, as one operator each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from whichgpu.capturing.onnx.calls import EVERYWHERE, MICROSOFT, Call, operator
from whichgpu.capturing.onnx.products import product
from whichgpu.capturing.onnx.values import Mismatch, Value, broadcast
from whichgpu.graph import Kind

INT32: Final = 6
CELLS: Final = {"RNN": "rnn", "GRU": "gru", "LSTM": "lstm"}
LARGEST_FUSED_HEAD: Final = 256


@operator(*CELLS)
def recurrent(call: Call) -> list[Value]:
    """A recurrent layer over [steps, batch, features] with weights [directions, gates·hidden, …]."""
    x, w, r = (call.value(n) for n in range(3))
    if x.rank != 3 or w.rank != 3 or r.rank != 3:
        raise Mismatch("a recurrent layer's operands have three dimensions")
    hidden, directions = r.shape[2], w.shape[0]
    batch_first = bool(call.integer("layout", 0))
    batch, steps = x.shape[:2] if batch_first else x.shape[1::-1]
    sequence = call.view(x, (batch, steps, x.shape[2]))
    bias, lengths, states = call.given(3), call.given(4), call.inputs[5:7]
    given = [sequence, w, r, *([] if bias is None else [bias]), *(state for state in states if state is not None)]
    shape = (batch, steps, directions, hidden) if batch_first else (steps, directions, batch, hidden)
    last = (batch, directions, hidden) if batch_first else (directions, batch, hidden)
    outputs = [call.new(shape, x.type), call.new(last, x.type), call.new(last, x.type)]
    call.emit(
        Kind.RNN,
        given,
        [call.view(outputs[0], (batch, steps, directions * hidden)), *outputs[1 : 2 + (call.op == "LSTM")]],
        cell=CELLS[call.op],
        hidden=hidden,
        layers=1,
        directions=directions,
        fused=_fused(call),
        masked=lengths is not None,
    )
    call.notes["products"] += 1
    return outputs[: max(call.outputs, 1)]


def _fused(call: Call) -> bool:
    """Whether cuDNN has a kernel for these options: its own activations, and a GRU's reset after the product."""
    usual = not call.attributes.get("activations") and "clip" not in call.attributes
    return usual and (call.op != "GRU" or bool(call.integer("linear_before_reset", 0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """How the width of queries, keys and values splits into heads."""

    q: int
    kv: int


def heads_of(call: Call, x: Value, heads: int) -> Value:
    """``x`` as [batch, heads, tokens, size], from [batch, tokens, heads·size] or as it is."""
    if x.rank == 4:
        return x
    if x.rank != 3 or heads < 1 or x.shape[2] % heads:
        raise Mismatch("{shape} does not split into {heads} heads", shape=x.shape, heads=heads)
    batch, tokens, width = x.shape
    return call.view(x, (batch, heads, tokens, width // heads))


def attend(call: Call, q: Value, k: Value, v: Value, *, causal: bool, window: int = 0) -> Value:
    """Attention of [b, h, lq, d] over [b, hkv, lk, d]: [b, h, lq, dv]."""
    if min(q.rank, k.rank, v.rank) < 4 or k.shape[:3] != v.shape[:3] or q.shape[3] != k.shape[3]:
        raise Mismatch("queries, keys and values of different sizes")
    if q.shape[0] != k.shape[0] or not k.shape[1] or q.shape[1] % k.shape[1]:
        raise Mismatch("heads of queries and keys do not go together")
    o = call.new((*q.shape[:3], v.shape[3]), q.type)
    call.notes["products"] += 1
    fused = q.shape[3] <= LARGEST_FUSED_HEAD
    call.emit(Kind.ATTENTION, [q, k, v], [o], causal=causal, window=window, dropout=False, fused=fused)
    return o


def appended(call: Call, past: Value | None, new: Value) -> Value:
    """Keys or values with those of a cache before them; the new ones are written into it."""
    if past is None or past.rank != 4:
        return new
    if past.shape[:2] != new.shape[:2] or past.shape[3] != new.shape[3]:
        raise Mismatch("a cache of other sizes than keys and values")
    present = call.new((*new.shape[:2], past.shape[2] + new.shape[2], new.shape[3]), new.type)
    present.tensor = call.graph.tensor(present.shape, present.dtype, role=call.graph.of(call.tensor(past)).role)
    written = call.view(present, new.shape)
    call.emit(Kind.COPY, [new], [written], reason="contiguous")
    return present


def flat(call: Call, o: Value) -> Value:
    """[batch, heads, tokens, size] as [batch, tokens, heads·size]."""
    batch, heads, tokens, size = o.shape
    return call.view(o, (batch, tokens, heads * size))


@operator("Attention")
def attention(call: Call) -> list[Value]:
    """Attention of ONNX itself (version 23): four dimensions, or three and the numbers of heads."""
    q, k, v = call.value(0), call.value(1), call.value(2)
    three = q.rank == 3
    q = heads_of(call, q, call.integer("q_num_heads", 0))
    k, v = (heads_of(call, x, call.integer("kv_num_heads", 0)) for x in (k, v))
    k, v = appended(call, call.given(4), k), appended(call, call.given(5), v)
    o = attend(call, q, k, v, causal=bool(call.integer("is_causal", 0)))
    scores = [call.new((*q.shape[:3], k.shape[2]), q.type)] if call.outputs > 3 else []
    return [flat(call, o) if three else o, k, v, *scores][: max(call.outputs, 1)]


@operator("MultiHeadAttention", domains=(MICROSOFT,))
def multi_head_attention(call: Call) -> list[Value]:
    """ONNX Runtime's attention after the projections; queries, keys and values may be packed in one input."""
    count = call.integer("num_heads")
    query, key, value = call.value(0), call.given(1), call.given(2)
    if query.rank == 5:
        q, k, v = _unpacked(call, query, 3)
    elif key is not None and key.rank == 5:
        q = heads_of(call, query, count)
        k, v = _unpacked(call, key, 2)
    elif key is None or value is None:
        raise Mismatch("keys and values are missing")
    else:
        q, k, v = (heads_of(call, x, count) for x in (query, key, value))
    k, v = appended(call, call.given(6), k), appended(call, call.given(7), v)
    o = attend(call, q, k, v, causal=bool(call.integer("unidirectional", 0)))
    return [flat(call, o), k, v][: max(call.outputs, 1)]


def _unpacked(call: Call, x: Value, parts: int) -> list[Value]:
    """[batch, tokens, heads, parts, size] as that many values [batch, heads, tokens, size]."""
    batch, tokens, heads, packed, size = x.shape
    if packed != parts:
        raise Mismatch("{packed} values packed where {parts} are expected", packed=packed, parts=parts)
    return [call.view(x, (batch, heads, tokens, size)) for _ in range(parts)]


@operator("GroupQueryAttention", domains=(MICROSOFT,))
def group_query_attention(call: Call) -> list[Value]:
    """ONNX Runtime's causal attention of language models, with rotation and cache in the same kernel."""
    heads = Heads(q=call.integer("num_heads"), kv=call.integer("kv_num_heads"))
    query, key, value = call.value(0), call.given(1), call.given(2)
    if key is None or value is None:
        q, k, v = _packed(call, query, heads)
    else:
        q = heads_of(call, query, heads.q)
        k, v = heads_of(call, key, heads.kv), heads_of(call, value, heads.kv)
    k, v = appended(call, call.given(3), k), appended(call, call.given(4), v)
    o = attend(call, q, k, v, causal=True, window=max(call.integer("local_window_size", -1), 0))
    return [flat(call, o), k, v][: max(call.outputs, 1)]


def _packed(call: Call, x: Value, heads: Heads) -> list[Value]:
    """Queries, keys and values side by side in [batch, tokens, width]."""
    total = heads.q + 2 * heads.kv
    if x.rank != 3 or min(heads.q, heads.kv) < 1 or x.shape[2] % total:
        raise Mismatch("{shape} does not split into {heads} heads", shape=x.shape, heads=total)
    batch, tokens, width = x.shape
    return [call.view(x, (batch, count, tokens, width // total)) for count in (heads.q, heads.kv, heads.kv)]


@operator("Attention", domains=(MICROSOFT,))
def projected_attention(call: Call) -> list[Value]:
    """ONNX Runtime's attention with its projection: [batch, tokens, width] times [width, 3·width]."""
    x, w, bias = call.value(0), call.value(1), call.given(2)
    whole = product(call, x, w, x.type, *([] if bias is None else [bias]))
    count = call.integer("num_heads")
    q, k, v = _packed(call, whole, Heads(q=count, kv=count))
    o = attend(call, q, k, v, causal=bool(call.integer("unidirectional", 0)))
    past = call.given(4)
    present = [call.new((2, *k.shape), x.type)] if call.outputs > 1 else []
    if past is not None and past.rank == 5:
        raise Mismatch("a cache packed in one input")
    return [flat(call, o), *present]


@operator("RotaryEmbedding", domains=EVERYWHERE)
def rotary(call: Call) -> list[Value]:
    """Positions as rotations."""
    x = call.value()
    return call.emit(Kind.ELEMENTWISE, [x], [call.new(x.shape, x.type)], function="rotary")


@operator("EmbedLayerNormalization", domains=(MICROSOFT,))
def embed_layer_norm(call: Call) -> list[Value]:
    """Words, positions and segments as vectors, summed and normalised."""
    ids, words = call.value(0), call.value(2)
    if words.rank != 2:
        raise Mismatch("a table of words has two dimensions")
    y = call.new((*ids.shape, words.shape[1]), words.type)
    call.emit(Kind.EMBEDDING, [words, ids], [y])
    tables = [table for table in (call.given(3), call.given(4)) if table is not None and table.rank == 2]
    parts = [y]
    for table in tables:
        part = call.new(y.shape, y.type)
        call.emit(Kind.EMBEDDING, [table, ids], [part])
        parts.append(part)
    out = call.new(y.shape, y.type)
    scales = [value for value in call.inputs[5:7] if value is not None]
    call.emit(Kind.NORM, [*parts, *scales], [out], norm="layer", training=True)
    return [out, *(call.new(ids.shape[:1], INT32) for _ in range(call.outputs - 1))]


@operator("QuantizeLinear", domains=EVERYWHERE)
def quantize(call: Call) -> list[Value]:
    """A floating value as whole numbers: one pass; of a weight it is done once."""
    x, zero = call.value(), call.given(2)
    kind = zero.type if zero is not None else call.integer("output_dtype", 0) or 2
    if x.constant:
        return [Value(type=kind, shape=x.shape, constant=True, role=x.role)]
    return call.emit(Kind.ELEMENTWISE, [x], [call.new(x.shape, kind)], function="quantize")


@operator("DequantizeLinear", domains=EVERYWHERE)
def dequantize(call: Call) -> list[Value]:
    """Whole numbers that the next product reads as they are: runtimes join both; elsewhere it costs one pass less."""
    call.notes["dequantised in the next operator"] += 1
    return [call.value()]


@operator("DynamicQuantizeLinear")
def dynamic_quantize(call: Call) -> list[Value]:
    """The range of a value, then the value as whole numbers."""
    x = call.value()
    outputs = [call.new(x.shape, 2), call.new((), 1), call.new((), 2)]
    return call.emit(Kind.REDUCTION, [x], outputs, function="quantize")


QUANTISED: Final = "QLinearAdd QLinearMul QLinearSigmoid QLinearLeakyRelu QLinearSoftmax QLinearReduceMean"


@operator(*QUANTISED.split(), domains=(MICROSOFT,))
def quantised_pointwise(call: Call) -> list[Value]:
    """Element-wise work on quantised operands; scales and zero points stand between."""
    x = call.value()
    second = [call.value(3)] if call.op in ("QLinearAdd", "QLinearMul") else []
    y = call.new(broadcast(x.shape, *(value.shape for value in second)), x.type)
    function = call.op.removeprefix("QLinear").lower()
    return call.emit(Kind.ELEMENTWISE, [x, *second], [y], function=function)


@operator("QLinearConcat", domains=(MICROSOFT,))
def quantised_concat(call: Call) -> list[Value]:
    """Quantised parts, each with its scale and zero point, one after the other."""
    items = [call.value(place) for place in range(2, len(call.inputs), 3)]
    axis = call.integer("axis")
    if not items or not all(0 <= axis < item.rank for item in items):
        raise Mismatch("nothing to put together")
    first = items[0].shape
    sizes = (*first[:axis], sum(item.shape[axis] for item in items), *first[axis + 1 :])
    return call.emit(Kind.COPY, items, [call.new(sizes, items[0].type)], reason="concatenate")


@operator("MoE", domains=(MICROSOFT,))
def experts(call: Call) -> list[Value]:
    """A mixture of experts after its router: [rows, width] through the first and second weights of ``k`` experts."""
    x, chances, first = call.value(0), call.value(1), call.value(2)
    second = call.value(4)
    top_k, rows = call.integer("k", 1), x.elements // max(x.shape[-1], 1)
    if x.rank < 2 or first.rank != 3 or second.rank != 3 or not 1 <= top_k <= chances.shape[-1]:
        raise Mismatch("a mixture of experts of other sizes")
    width = second.elements // max(second.shape[0] * x.shape[-1], 1)
    chosen = call.new((rows, top_k), x.type)
    call.emit(Kind.SORT, [chances], [chosen], function="topk")
    inner = call.new((rows * top_k, width), x.type)
    count = first.shape[0]
    up = call.view(first, (count, x.shape[-1], first.elements // max(count * x.shape[-1], 1)))
    down = call.view(second, (count, width, second.elements // max(count * width, 1)))
    call.emit(Kind.EXPERTS, [call.view(x, (rows, x.shape[-1])), up], [inner], experts=count, top_k=top_k)
    parts = call.new((rows * top_k, x.shape[-1]), x.type)
    call.emit(Kind.EXPERTS, [inner, down], [parts], experts=count, top_k=1)
    call.notes["products"] += 2
    return call.emit(Kind.REDUCTION, [parts], [call.new(x.shape, x.type)], function="sum")
