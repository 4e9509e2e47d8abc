"""The largest batch: what fits at it, what does not at twice it, and how estimates stand there."""

from __future__ import annotations

import dataclasses

import pytest

from whichgpu.capturing.dimensions import Dimensions, Run
from whichgpu.capturing.transformer import graph, scalable_graph
from whichgpu.catalog import default_catalog
from whichgpu.errors import InvalidValue
from whichgpu.estimate import Fit
from whichgpu.predicting import fits, largest_batches, longest_sequences, predict
from whichgpu.workload import Assumption, Workload

SIZES = Dimensions(hidden=256, layers=4, heads=4, kv_heads=4, head_size=64, feed_forward=1024, vocabulary=30000)
RUN = Run(batch_size=2, tokens=512, train=True)
WORK = Workload(name="m", graph=scalable_graph(SIZES, RUN), phase="train", step="full", batch_size=2, optimizer="adamw")
GPUS = [default_catalog().get(name) for name in ("rtx-3060-12gb", "rtx-4090", "h100-sxm5-80gb", "mx450")]


def test_it_fits_and_twice_it_does_not() -> None:
    for gpu, batch in zip(GPUS, largest_batches(WORK, GPUS), strict=True):
        assert batch & (batch - 1) == 0
        assert fits(WORK.at_batch(batch), [gpu]) == [Fit.FITS]
        assert fits(WORK.at_batch(2 * batch), [gpu]) != [Fit.FITS]


def test_estimates_stand_at_the_batch_of_each_gpu_in_their_order() -> None:
    batches = largest_batches(WORK, GPUS)
    assert batches[3] < batches[0] < batches[1] < batches[2]
    found = predict(dataclasses.replace(WORK, largest_batch=True), GPUS)
    assert [(each.gpu, each.batch_size) for each in found] == [
        (gpu.id, batch) for gpu, batch in zip(GPUS, batches, strict=True)
    ]
    alone = predict(WORK.at_batch(batches[1]), [GPUS[1]])[0]
    assert found[1].latency_s == alone.latency_s


def test_no_batch_is_larger_than_the_data() -> None:
    assert largest_batches(dataclasses.replace(WORK, samples=5), GPUS[:3]) == [4, 4, 4]


def test_a_capture_of_one_batch_size_has_no_largest() -> None:
    fixed = dataclasses.replace(WORK, graph=graph(SIZES, RUN))
    with pytest.raises(InvalidValue, match="one batch size only"):
        largest_batches(fixed, GPUS)


def test_the_longest_sequence_fits_and_twice_it_does_not() -> None:
    def at(length: int) -> Workload:
        run = dataclasses.replace(RUN, tokens=length, batch_size=1)
        return dataclasses.replace(WORK, graph=graph(SIZES, run), batch_size=1, sequence_length=length)

    found = longest_sequences(at, GPUS[:1])
    length = found[GPUS[0].id].sequence_length
    assert length is not None
    assert fits(at(length), GPUS[:1]) == [Fit.FITS]
    assert fits(at(2 * length), GPUS[:1]) != [Fit.FITS]


def test_no_sequence_is_longer_than_the_model_takes() -> None:
    def at(length: int) -> Workload:
        beyond = Assumption(code="sequence_beyond_context", values={})
        told = (beyond,) if length > 512 else ()
        return dataclasses.replace(WORK, sequence_length=length, assumptions=told)

    assert longest_sequences(at, GPUS[2:3])[GPUS[2].id].sequence_length == 512
