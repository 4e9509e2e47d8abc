"""Stages add up: times and energy as often as they run, weights of all networks, one peak."""

from __future__ import annotations

import dataclasses

import pytest

from whichgpu.capturing.dimensions import Dimensions, Run
from whichgpu.capturing.language import Model, generation
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.transformer import scalable_graph
from whichgpu.catalog import default_catalog
from whichgpu.predicting import predict, predict_stages
from whichgpu.workload import Stage, Workload

GPUS = [default_catalog().get(name) for name in ("rtx-4090", "a100-sxm4-80gb")]
SIZES = Dimensions(hidden=512, layers=2, heads=8, kv_heads=2, head_size=64, feed_forward=2048, vocabulary=5000)
ONE = scalable_graph(SIZES, Run(batch_size=1, tokens=64))


def staged(*stages: Stage) -> Workload:
    return Workload.of_stages(stages, name="m", phase="infer", batch_size=1)


def test_a_stage_that_runs_seven_times_takes_seven_times_as_long() -> None:
    once = predict(Workload(name="m", graph=ONE, phase="infer", step="forward", batch_size=1), GPUS)
    seven = predict(staged(Stage(name="a", graph=ONE, step="forward", repetitions=7)), GPUS)
    for single, many in zip(once, seven, strict=True):
        assert many.latency_s.mid == pytest.approx(7 * single.latency_s.mid)
        assert many.power_w is not None
        assert single.power_w is not None
        assert many.power_w.mid == pytest.approx(single.power_w.mid)
        assert many.memory == single.memory
        assert many.stages[0].repetitions == 7
        assert many.stages[0].latency_s.mid == pytest.approx(single.latency_s.mid)


@pytest.mark.parametrize(("other", "times"), [("", 1), ("another", 2)])
def test_stages_of_one_network_share_its_weights(other: str, times: int) -> None:
    stages = [Stage(name="a", graph=ONE, step="forward"), Stage(name="b", graph=ONE, step="forward", model=other)]
    work = staged(*stages)
    (single,) = predict(staged(stages[0]), GPUS[:1])
    (both,) = predict(work, GPUS[:1])
    assert both.memory.weights_bytes == times * single.memory.weights_bytes
    assert work.parameters == times * ONE.parameters


def test_a_generation_is_its_prefill_and_its_tokens() -> None:
    asked = CaptureRequest(phase="generate", batch_size=3, sequence_length=500, new_tokens=40)
    work = generation(Model(name="m", dimensions=SIZES, source_hash="", family="f"), asked)
    for each in predict(work, GPUS):
        assert each.prefill_s is not None
        assert each.decode_s_per_token is not None
        assert each.latency_s.mid == pytest.approx(each.prefill_s.mid + 40 * each.decode_s_per_token.mid)
        assert each.throughput_unit == "tokens"
        assert each.throughput_per_s.mid == pytest.approx(3 * 40 / each.latency_s.mid)
        # keys and values of 2 layers and 2 heads of 64 for 540 tokens of 3 sequences, in FP32
        assert each.memory.kv_cache_bytes == 2 * 2 * 2 * 64 * 540 * 3 * 4
        assert each.power_w is not None
        assert each.energy_j is not None
        assert each.energy_j.mid == pytest.approx(each.power_w.mid * each.latency_s.mid)


def test_the_last_token_takes_longer_than_the_first() -> None:
    asked = CaptureRequest(phase="generate", batch_size=8, sequence_length=100, new_tokens=4000)
    work = generation(Model(name="m", dimensions=SIZES, source_hash="", family="f"), asked)
    tokens = [each.times.step_s[0] for each in predict_stages(work, GPUS) if each.stage.name == "decode"]
    assert tokens[-1] > tokens[0]


def test_the_graph_of_a_workload_in_stages_is_that_of_its_first() -> None:
    work = staged(Stage(name="a", graph=ONE, step="forward"))
    with pytest.raises(ValueError, match="first stage"):
        dataclasses.replace(work, graph=ONE.at_batch(2))
