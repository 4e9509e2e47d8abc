"""The guide: every topic in both languages for many GPUs, and figures that can be worked out by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import whichgpu
from whichgpu.catalog import default_catalog
from whichgpu.errors import MissingFigure, UnknownName
from whichgpu.explaining import LANGUAGES, active
from whichgpu.graph import Kind
from whichgpu.guiding import TOPICS, Reader, page, titles
from whichgpu.guiding.figures.networks import KINDS
from whichgpu.guiding.markdown import markdown
from whichgpu.guiding.reading import Findings, Table, blocks, placeholders
from whichgpu.guiding.topics import text
from whichgpu.predicting import predict

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
CATALOG = default_catalog()


def reader(gpu: str) -> Reader:
    return Reader(gpu=CATALOG.get(gpu), catalog=CATALOG)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("gpu", ["rtx-2070", "rx-vega-56", "mi250x", "jetson-orin-nx-16gb"])
def test_every_topic_is_whole_for_every_kind_of_gpu(gpu: str, language: str) -> None:
    mine = reader(gpu)
    with active(language):
        for topic in TOPICS:
            shown = markdown(page(topic, mine))
            assert not re.search(r"[{}]|\bNone\b(?! of it)|\bnan\b|\binf\b", shown), topic
            assert shown.startswith("# ")


@pytest.mark.parametrize("topic", TOPICS)
def test_both_languages_ask_for_the_same_figures_and_all_that_is_computed_is_used(topic: str) -> None:
    english, japanese = (placeholders(text(topic, language)) for language in ("en", "ja"))
    assert english == japanese
    found = TOPICS[topic](reader("rtx-3060-12gb"))
    assert english[0] <= set(found.values)
    assert english[1] == set(found.tables)


@pytest.mark.parametrize("topic", TOPICS)
def test_the_languages_do_not_mix(topic: str) -> None:
    with active("en"):
        assert not re.search(r"[ぁ-んァ-ヶ一-龠]", markdown(page(topic, reader("rtx-2070"))))
    with active("ja"):
        shown = markdown(page(topic, reader("rtx-2070")))
    sentences = [line for line in shown.splitlines() if line and not line.startswith("|")]
    assert all(re.search(r"[ぁ-んァ-ヶ一-龠]", line) for line in sentences)


def figures(topic: str, gpu: str) -> dict[str, float]:
    with active("en"):
        return dict(page(topic, reader(gpu)).figures)  # type: ignore[arg-type]


def test_figures_that_follow_from_closed_forms() -> None:
    assert figures("lstm", "rtx-2070")["gates_factor"] == pytest.approx(4.0)
    assert figures("gru", "rtx-2070")["work_fraction"] == pytest.approx(0.75)
    # 2 x 4352 lanes x 1635 MHz, and 11 GiB of GDDR6 at 616 GB/s
    inside = figures("inside-a-gpu", "rtx-2080-ti")
    assert inside["worked_flops_per_s"] == pytest.approx(14.23e12, rel=1e-3)
    # 2 x 4096^3 operations on three FP16 matrices of 4096 x 4096
    assert figures("roofline", "rtx-3090")["square_flops_per_byte"] == pytest.approx(1365.3, rel=1e-4)
    assert figures("roofline", "rtx-3090")["ridge_flops_per_byte"] == pytest.approx(35.58e12 / 936e9, rel=5e-3)


def test_vgg16_has_most_of_its_weights_in_dense_layers_and_most_of_its_work_in_convolutions() -> None:
    found = figures("cnn", "rtx-2070")
    dense = 25088 * 4096 + 4096 * 4096 + 4096 * 1000
    assert found["dense_weight_fraction"] == pytest.approx(dense / 138_357_544, rel=1e-3)
    # 15.35 GMAC of convolutions of 15.47 in all
    assert found["conv_work_fraction"] == pytest.approx(15.346 / 15.470, rel=1e-3)


def test_a_backward_pass_costs_two_forward_ones() -> None:
    assert figures("transfer-learning", "rtx-2070")["whole_factor"] == pytest.approx(3.0, rel=0.01)


def test_an_unknown_topic_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="no topic") as caught:
        page("lstms", reader("rtx-2070"))
    assert "lstm" in (caught.value.hint or "")


def test_a_gpu_without_the_figure_says_which_and_the_way_out() -> None:
    with pytest.raises(MissingFigure, match="board_power_w") as caught:
        page("power", reader("m3-10c"))
    assert "--gpu" in (caught.value.hint or "")


def test_the_four_shapes_of_a_text() -> None:
    table = Table(headings=("a",), rows=(("1",),))
    found = Findings(values={"size_bytes": 2048.0}, tables={"t": table})
    source = "# Title\n\none\nline of {size_bytes}\n\n- first\n  goes on\n- second\n\n{table:t}\n"
    heading, paragraph, listed, last = blocks(source, found)
    assert (heading.text, heading.level) == ("Title", 1)
    assert paragraph.text == "one line of 2 KiB"
    assert listed.items == ("first goes on", "second")
    assert last.table == table


def test_titles_are_those_of_the_texts() -> None:
    with active("ja"):
        assert dict(titles())["flops"].startswith("FLOPS")


def test_every_kind_of_operator_has_a_name() -> None:
    assert set(KINDS) == {str(kind) for kind in Kind}


@pytest.mark.parametrize(("script", "name"), [("simple_rnn", "simple-rnn"), ("mnist_cnn", "mnist-cnn")])
def test_what_is_said_of_a_script_is_what_the_script_gets(script: str, name: str) -> None:
    captured = whichgpu.capture(str(EXAMPLES / f"{script}.py"))
    mine = reader("rtx-3060-12gb")
    [found] = predict(captured, [mine.gpu])
    assert mine.estimate(name, "train").latency_s.mid == pytest.approx(found.latency_s.mid, rel=1e-3)
