"""The plot of memory over a step: its peak, what lasts, the limit where it is near, and the table of what is alive."""

import re

import pytest

from whichgpu import zoo
from whichgpu.catalog import default_catalog
from whichgpu.predicting import predict
from whichgpu.recommending import Question, recommend
from whichgpu.reporting.plots import memory

CATALOG = default_catalog()


def plotted(batch, name):
    work, gpu = zoo.workload("resnet50", "train", batch), CATALOG.get(name)
    return memory.of(work, gpu, predict(work, [gpu])[0])


@pytest.mark.parametrize(("batch", "lines"), [(96, 3), (8, 2)])
def test_the_limit_is_drawn_where_it_is_near(batch, lines):
    plot = plotted(batch, "rtx-3060-12gb")
    assert len(re.findall("<polyline", plot.svg)) == lines
    assert plot.svg.count("<circle") == 1
    assert len(plot.rows) > 3
    assert all(len(row) == len(plot.headings) for row in plot.rows)


def test_everything_stands_on_the_sheet():
    plot = plotted(96, "rtx-3060-12gb")
    for points in re.findall('points="([^"]+)"', plot.svg):
        for place in points.split():
            x, y = map(float, place.split(","))
            assert 0 <= x <= 760
            assert 0 <= y <= 420


def test_nothing_is_drawn_where_nothing_is_ranked():
    answer = recommend(zoo.workload("resnet18", "infer", 10**7), CATALOG, Question())
    assert memory.plot(answer) is None
    ranked = recommend(zoo.workload("resnet18", "infer", 8), CATALOG, Question())
    assert ranked.ranked[0].gpu.name in memory.plot(ranked).title
