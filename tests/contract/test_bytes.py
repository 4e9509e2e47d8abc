"""Bytes of small networks against sums by hand, operator by operator, forward and in training; needs torch."""

from collections import Counter

import numpy as np
import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.keras

from tests.contract.byte_networks import NETWORKS, inputs  # noqa: E402
from tests.contract.counts.moved_sequences import SUMS  # noqa: E402
from tests.contract.tracing_cases import traced  # noqa: E402

from whichgpu.capturing.dimensions import Dimensions, Run  # noqa: E402
from whichgpu.capturing.transformer import graph  # noqa: E402
from whichgpu.costing import cost_table  # noqa: E402
from whichgpu.costing.cost import FIXED  # noqa: E402
from whichgpu.graph import Phase  # noqa: E402
from whichgpu.workload import Workload  # noqa: E402

SAMPLES = 3
DECODED = "decoded token with a cache"


def moved(workload, phase):
    """How often operators of each kind read and wrote so many bytes in one phase, in FP32."""
    table = cost_table(workload)
    element = np.full(table.read.shape[1], 4.0)
    element[FIXED] = 1.0
    found = Counter()
    for row in np.flatnonzero((np.array(table.phases) == phase) & ~table.mixed_only):
        bytes_of = (float(table.read[row] @ element), float(table.written[row] @ element))
        found[(table.kinds[row], *bytes_of)] += int(table.count[row])
    return found


@pytest.fixture(scope="module", params=NETWORKS)
def step(request):
    """A training step of a network, and its sums by hand."""
    make, _, loss = NETWORKS[request.param]
    captured = traced(lambda batch: (make(), inputs(request.param, batch)), SAMPLES, loss=loss)
    workload = Workload(
        name=request.param, graph=captured, phase="train", step="full", batch_size=SAMPLES, optimizer="adam"
    )
    return workload, SUMS[request.param]()


def test_ten_networks_and_no_sum_without_one():
    assert {*NETWORKS, DECODED} == set(SUMS)
    assert len(NETWORKS) >= 10


@pytest.mark.parametrize("phase", list(Phase))
def test_every_operator_moves_what_the_sum_says(step, phase):
    workload, sums = step
    assert moved(workload, phase) == sums.counted(phase)


def test_decoding_reads_all_keys_and_writes_one():
    sizes = {"heads": 4, "kv_heads": 2, "head_size": 4, "feed_forward": 24, "vocabulary": 31}
    dimensions = Dimensions(hidden=16, layers=1, **sizes)
    decoding = graph(dimensions, Run(batch_size=SAMPLES, tokens=1, cached=11, generate=True))
    workload = Workload(name="token", graph=decoding, phase="generate", step="decode", batch_size=SAMPLES)
    assert moved(workload, Phase.FORWARD) == SUMS[DECODED]().counted(Phase.FORWARD)
