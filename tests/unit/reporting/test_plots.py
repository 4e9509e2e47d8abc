"""Plots: well-formed SVG within its sheet, and a table with the same numbers."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from whichgpu import zoo
from whichgpu.catalog import default_catalog
from whichgpu.explaining import active
from whichgpu.predicting.roofline import roofline
from whichgpu.recommendation import Recommendation
from whichgpu.recommending import Question, recommend
from whichgpu.reporting.page import figure
from whichgpu.reporting.plots import Plot, months, price
from whichgpu.reporting.plots import roofline as under_roofline
from whichgpu.reporting.plots.price import Point, front
from whichgpu.reporting.plots.sheet import Linear, Log
from whichgpu.requirement import Requirements, Use

CATALOG = default_catalog()
SVG = "{http://www.w3.org/2000/svg}"


def answer(**wanted: object) -> Recommendation:
    question = Question(requirements=Requirements(**wanted))  # type: ignore[arg-type]
    return recommend(zoo.workload("resnet50"), CATALOG, question)


def drawn(plot: Plot | None) -> ElementTree.Element:
    """The plot's SVG, all of whose circles and ends of lines are on its sheet."""
    assert plot is not None
    found = ElementTree.fromstring(plot.svg)
    _left, _top, width, height = map(float, found.attrib["viewBox"].split())
    for circle in found.iter(f"{SVG}circle"):
        assert 0 <= float(circle.attrib["cx"]) <= width
        assert 0 <= float(circle.attrib["cy"]) <= height
    for path in found.iter(f"{SVG}polyline"):
        for place in path.attrib["points"].split():
            x, y = map(float, place.split(","))
            assert 0 <= x <= width
            assert 0 <= y <= height
    return found


def test_time_against_price_shows_every_priced_gpu() -> None:
    made = answer()
    plot = price.plot(made.ranked, "USD")
    circles = list(drawn(plot).iter(f"{SVG}circle"))
    assert plot is not None
    assert len(circles) == len(plot.rows) == len(price.points(made.ranked)) > 10
    names = {each.gpu.name for each in made.ranked}
    assert all(row[0] in names and len(row) == len(plot.headings) for row in plot.rows)


def test_the_front_is_what_nothing_beats_in_both() -> None:
    times = {"a": (100, 9.0), "b": (200, 5.0), "c": (200, 6.0), "d": (300, 5.0), "e": (50, 20.0), "f": (400, 1.0)}
    found = [Point(name=n, price=p, low_s=t, mid_s=t, high_s=t) for n, (p, t) in times.items()]
    assert [point.name for point in front(found)] == ["e", "a", "b", "f"]


def test_cost_over_the_months_needs_a_board_and_a_rent() -> None:
    plot = months.plot(answer(use=Use(hours_a_day=4)), "USD")
    lines = list(drawn(plot).iter(f"{SVG}polyline"))
    assert plot is not None
    assert len(lines) == len(plot.rows) >= 2
    assert "4" in plot.title
    assert months.plot(answer(acquire=("rented",), max_power_w=1.0), "USD") is None


@pytest.mark.parametrize("name", ["resnet50", "lstm", "gpt2", "ft-transformer-higgs"])
def test_operators_stand_under_the_roofline_with_their_numbers(name: str) -> None:
    found = roofline(zoo.workload(name), CATALOG.get("rtx-4090"))
    plot = under_roofline.plot(found)
    circles = list(drawn(plot).iter(f"{SVG}circle"))
    assert plot is not None
    assert 1 <= len(circles) <= len(plot.rows) == len(found.points)
    assert all(len(row) == len(plot.headings) for row in plot.rows)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_figure_has_its_plot_its_title_and_its_table(language: str) -> None:
    with active(language):
        html = figure(price.plot(answer().ranked, "JPY"))
    found = ElementTree.fromstring(html)
    assert [each.tag.rpartition("}")[2] for each in found] == ["figcaption", "div", "details"]
    assert found.find(".//table") is not None
    assert figure(None) == ""


def test_axes() -> None:
    log = Log.over([10.0, 1000.0], 0.0, 100.0)
    assert log.at(100.0) == pytest.approx(50.0)
    assert log.ticks() == [10.0, 100.0, 1000.0]
    assert Log.over([10.0, 100.0], 0.0, 100.0).ticks() == [10.0, 20.0, 50.0, 100.0]
    assert len(Log.over([31.0, 90.0], 0.0, 100.0).ticks()) >= 3
    linear = Linear.upto(36, 100.0, 10.0, step=6)
    assert linear.at(0.0) == 100.0
    assert linear.ticks() == [0, 6, 12, 18, 24, 30, 36]
    assert Linear.upto(1700.0, 0.0, 1.0).ticks() == [0, 500.0, 1000.0, 1500.0]


def test_names_that_would_overlap_are_left_out() -> None:
    """Boxes of letters about 7 wide and 12 high: two names on one line need room for both."""
    html = figure(price.plot(answer().ranked, "JPY"))
    names = re.findall(r'<text class="name" x="([\d.]+)" y="([\d.]+)" text-anchor="(\w+)">([^<]+)<', html)
    assert names
    boxes = []
    for x, y, anchor, name in names:
        left = float(x) - (7 * len(name) if anchor == "end" else 0)
        boxes.append((left, left + 7 * len(name), float(y)))
    for number, (left, right, y) in enumerate(boxes):
        for other_left, other_right, other_y in boxes[number + 1 :]:
            assert abs(y - other_y) >= 12 or right < other_left or other_right < left
