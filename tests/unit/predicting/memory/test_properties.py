"""What must hold of allocated bytes whatever the sizes: on decoders and perceptrons with sizes drawn at random."""

import dataclasses
import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whichgpu.capturing.dimensions import Dimensions, Run
from whichgpu.capturing.transformer import graph, scalable_graph
from whichgpu.capturing.transforming.adapting import adapted
from whichgpu.capturing.transforming.checkpointing import checkpointed
from whichgpu.capturing.transforming.freezing import frozen
from whichgpu.catalog import default_catalog
from whichgpu.costing import resolve
from whichgpu.estimate import Fit
from whichgpu.gpu import Figure
from whichgpu.offload import Offload
from whichgpu.predicting import fits, predict
from whichgpu.predicting.memory import least_weight_bytes, memory_of, usable_bytes
from whichgpu.workload import Adapters, Precision, Stage, Workload

RTX_3090 = default_catalog().get("rtx-3090")
SIZES = Dimensions(hidden=128, layers=3, heads=4, kv_heads=2, head_size=32, feed_forward=256, vocabulary=1000)

batches = st.integers(1, 12)
tokens = st.integers(2, 200)
few = settings(max_examples=15, deadline=None)


def parts(work, gpu=RTX_3090):
    return memory_of(work, [gpu], [resolve(work, gpu)])[0]


def allocated(work):
    """Bytes of tensors at the peak, without allocator, workspaces and context."""
    found = parts(work)
    return found.total_bytes - found.allocator_bytes - found.context_bytes - found.workspaces_bytes


@functools.cache
def decoder(batch=2, length=64, sizes=SIZES, train=True, precision=Precision.FP32, optimizer="adamw"):
    run = Run(batch_size=batch, tokens=length, train=train)
    step = (
        {"phase": "train", "step": "full", "optimizer": optimizer} if train else {"phase": "infer", "step": "forward"}
    )
    return Workload(name="m", graph=graph(sizes, run), batch_size=batch, precision=precision, **step)


@few
@given(batches, tokens, st.integers(1, 5), st.integers(1, 50))
def test_more_batch_or_length_is_never_less(batch, length, more, longer):
    least = allocated(decoder(batch, length))
    assert allocated(decoder(batch + more, length)) >= least
    assert allocated(decoder(batch, length + longer)) >= least


@few
@given(st.integers(1, 4), st.integers(1, 3), st.sampled_from([64, 128, 512]))
def test_more_layers_or_width_is_never_less(layers, more, wider):
    small = dataclasses.replace(SIZES, layers=layers)
    assert allocated(decoder(sizes=dataclasses.replace(small, layers=layers + more))) >= allocated(decoder(sizes=small))
    wide = dataclasses.replace(small, feed_forward=small.feed_forward + wider)
    assert allocated(decoder(sizes=wide)) >= allocated(decoder(sizes=small))


@few
@given(batches, tokens)
def test_checkpointing_frozen_layers_and_adapters_are_never_more(batch, length):
    whole = decoder(batch, length)
    assert allocated(checkpointed(whole)) <= allocated(whole)
    assert allocated(frozen(whole, ["layers.0"])) <= allocated(whole)
    assert allocated(frozen(whole, ["layers.0", "layers.1"])) <= allocated(frozen(whole, ["layers.0"]))


@few
@given(batches, tokens)
def test_narrower_precision_is_never_more(batch, length):
    for optimizer in ("sgd", "adamw"):
        wide = allocated(decoder(batch, length, optimizer=optimizer))
        assert allocated(decoder(batch, length, optimizer=optimizer, precision=Precision.BF16)) <= wide


@few
@given(batches, tokens)
def test_training_is_never_less_than_inference(batch, length):
    assert allocated(decoder(batch, length)) >= allocated(decoder(batch, length, train=False))


@few
@given(batches, tokens)
def test_what_the_host_holds_is_never_more(batch, length):
    for work, part in ((decoder(batch, length), "optimizer"), (decoder(batch, length, train=False), "layers:0.5")):
        assert allocated(dataclasses.replace(work, offload=Offload.named(part))) <= allocated(work)


@few
@given(batches, tokens)
def test_the_peak_holds_the_operands_of_the_largest_operator(batch, length):
    work = decoder(batch, length, optimizer="sgd")
    tensors = work.graph.tensors
    largest = max(
        sum({tensors[i].storage: tensors[i].elements * 4 for i in (*o.inputs, *o.outputs)}.values())
        for o in work.graph.operators
    )
    assert allocated(work) >= largest


@few
@given(batches, tokens, st.booleans())
def test_the_parts_add_up_to_the_peak(batch, length, train):
    found = parts(decoder(batch, length, train=train))
    named = {name: value for name, value in found.document().items() if name != "cache_bytes"}
    assert sum(named.values()) == pytest.approx(found.total_bytes, rel=1e-12)
    assert all(value >= 0.0 for value in named.values())
    assert found.certain_bytes <= found.needed_bytes <= found.total_bytes


@few
@given(st.integers(1, 64), st.integers(1, 64))
def test_more_memory_never_unfits(gib, more):
    def board(size):
        figure = Figure(value=float(size * 2**28), unit="B", quoted="", source="test")
        return dataclasses.replace(RTX_3090, figures={**RTX_3090.figures, "memory_bytes": figure})

    order = [Fit.DOES_NOT_FIT, Fit.TIGHT, Fit.FITS]
    small, large = fits(decoder(8, 200), [board(gib), board(gib + more)])
    assert order.index(small) <= order.index(large)
    assert usable_bytes(board(gib)) < usable_bytes(board(gib + more))


def test_the_batch_scales_as_if_it_were_built_anew():
    scaled = scalable_graph(SIZES, Run(batch_size=2, tokens=64, train=True)).at_batch(7)
    work = dataclasses.replace(decoder(7, 64), graph=scaled)
    assert allocated(work) == allocated(decoder(7, 64))


def test_models_of_one_process_count_together():
    # teacher and student: the teacher's forward pass, then the student's step; weights of both are there
    student, teacher = decoder(4, 64), decoder(4, 64, dataclasses.replace(SIZES, layers=8), train=False)
    both = Workload.of_stages(
        [
            Stage(name="teach", graph=teacher.graph, step="forward", model="teacher"),
            Stage(name="learn", graph=student.graph, step="full", model="student"),
        ],
        name="pair",
        phase="train",
        batch_size=4,
        optimizer="adamw",
        precision=Precision.FP32,
    )
    memory = predict(both, [RTX_3090])[0].memory
    alone = parts(student)
    assert memory.weights_bytes == pytest.approx(alone.weights_bytes + 4 * teacher.graph.parameters)
    assert memory.optimizer_bytes == alone.optimizer_bytes
    assert memory.total_bytes >= alone.total_bytes + 4 * teacher.graph.parameters


def test_adapters_leave_gradients_and_states_of_themselves_alone():
    work = adapted(decoder(2, 64), Adapters(rank=4, targets=("q_proj",)))
    found = parts(work)
    # three layers; a queries' adapter has 4 x 128 and 128 x 4
    assert found.optimizer_bytes == 2 * 4 * 3 * 4 * (128 + 128)


OFFLOADS = [None, Offload(part="weights", share=0.5), Offload(part="layers", share=0.25), Offload(part="optimizer")]


@few
@given(
    st.booleans(),
    st.sampled_from([Precision.FP32, Precision.BF16, Precision.AMP_BF16, Precision.FP8, Precision.INT4]),
    st.sampled_from([None, "bf16", "int8", "nf4", "fp4"]),
    st.sampled_from(OFFLOADS),
)
def test_weights_are_never_less_than_what_gpus_are_left_out_by(train, precision, narrower, offload):
    work = dataclasses.replace(decoder(train=train, precision=precision), weight_precision=narrower, offload=offload)
    least = work.parameters * least_weight_bytes(work, resolve(work, RTX_3090))
    assert 0.0 < least <= parts(work).weights_bytes
