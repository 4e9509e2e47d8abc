"""The Pareto front against its definition, on the catalogue and on points by hand."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from whichgpu import zoo
from whichgpu.catalog import default_catalog
from whichgpu.recommending import Question, recommend
from whichgpu.recommending.pareto import OF, _beats


def test_nobody_on_the_front_is_beaten_and_everybody_else_is() -> None:
    question = Question(objectives=("time", "cost", "power"))
    answer = recommend(zoo.workload("resnet50", "infer"), default_catalog(), question)
    points = {
        row.gpu.id: tuple(OF[name](row.estimate) for name in question.objectives)
        for row in answer.ranked
        if row.estimate is not None
    }
    known = {gpu: point for gpu, point in points.items() if all(map(math.isfinite, point))}
    for gpu, point in known.items():
        beaten = any(
            all(a <= b for a, b in zip(other, point, strict=True)) and other != point for other in known.values()
        )
        assert beaten is (gpu not in answer.front)
    assert answer.document()["pareto"]["gpus"] == list(answer.front)
    fastest = min(known, key=lambda gpu: known[gpu])
    assert answer.front[0] == fastest


def test_points_by_hand() -> None:
    assert _beats((1.0, 2.0), (1.0, 3.0))
    assert not _beats((1.0, 2.0), (0.5, 3.0))
    assert not _beats((1.0, 2.0), (1.0, 2.0))


@given(st.lists(st.floats(0.1, 10), min_size=3, max_size=3), st.lists(st.floats(0.1, 10), min_size=3, max_size=3))
def test_two_points_never_beat_each_other(one: list[float], other: list[float]) -> None:
    assert not (_beats(tuple(one), tuple(other)) and _beats(tuple(other), tuple(one)))
