"""Explanations: the numbers behind them, and what they say of recurrent, frozen and oversized work."""

from __future__ import annotations

import pytest

from whichgpu import zoo
from whichgpu.catalog import default_catalog
from whichgpu.explaining import active
from whichgpu.guiding import Reader
from whichgpu.guiding.workloads import Explanation, explained

CATALOG = default_catalog()


def explanation(name: str, gpu: str, phase: str | None = None, language: str = "en") -> Explanation:
    with active(language):
        reader = Reader(gpu=CATALOG.get(gpu), catalog=CATALOG)
        return explained(zoo.workload(name, phase), reader, language)


def factors(found: Explanation) -> dict[str, float]:
    return {row["code"]: row["factor"] for row in found.figures["changes"]}


def said(found: Explanation) -> str:
    return " ".join(block.text for block in found.blocks)


def test_a_chain_of_steps_gains_nothing_from_flops_and_everything_from_a_larger_batch() -> None:
    found = explanation("lstm", "rtx-3090", "train")
    gains = factors(found)
    assert gains["double_compute"] < 1.1
    assert gains["double_bandwidth"] < 1.1
    assert gains["double_batch"] > 1.8
    assert "100 positions" in said(found)
    assert {"rnn", "lstm"} <= set(found.topics)


@pytest.mark.parametrize(("gpu", "held"), [("rtx-2080-ti", True), ("rtx-3090", False), ("rx-6800", False)])
def test_convolutions_gain_most_from_arithmetic_and_the_power_for_it(gpu: str, held: bool) -> None:
    gains = factors(explanation("vgg16", gpu, "train"))
    assert gains["double_compute_and_power"] > max(1.2, gains["double_bandwidth"])
    # Arithmetic alone outdoes the memory, too, where it does not meet the board's power at once.
    assert held or gains["double_compute"] > gains["double_bandwidth"]


def test_a_board_at_its_power_limit_gains_more_from_power_than_a_board_with_room() -> None:
    # The same chip (TU104) with the same 2 560 cores, at 70 W and at 215 W.
    held, free = (factors(explanation("vgg16", gpu, "train")) for gpu in ("tesla-t4", "rtx-2070-super"))
    of_power = [gains["double_compute_and_power"] / gains["double_compute"] for gains in (held, free)]
    assert of_power[0] > of_power[1]


def test_decoding_gains_most_from_bandwidth() -> None:
    reader = Reader(gpu=CATALOG.get("rtx-3090"), catalog=CATALOG)
    gains = factors(explained(zoo.workload("llama-3-8b", "generate", step="decode"), reader, "en"))
    assert gains["double_bandwidth"] > 1.2
    assert gains["double_bandwidth"] > gains["double_compute"]


def test_shares_of_time_add_up_and_flops_are_those_of_the_network() -> None:
    found = explanation("vgg16", "rtx-2080-ti", "infer")
    assert sum(found.figures["time_fractions"].values()) == pytest.approx(1.0)
    batch = zoo.workload("vgg16", "infer").batch_size
    # 15.47 GMAC an image, two operations each
    assert found.figures["flops"] == pytest.approx(2 * 15.47e9 * batch, rel=2e-3)


def test_what_does_not_fit_is_said_in_both_languages() -> None:
    assert "does not fit" in said(explanation("llama-3-8b", "rtx-3060-12gb", "train"))
    assert "メモリに収まりません" in said(explanation("llama-3-8b", "rtx-3060-12gb", "train", "ja"))


def test_frozen_parameters_are_named() -> None:
    found = explanation("vgg16-frozen", "rtx-2070", "train")
    assert "frozen" in said(found)
    assert "transfer-learning" in found.topics


def test_the_document_holds_figures_and_blocks() -> None:
    document = explanation("mnist-cnn", "rx-6800", "train").document()
    assert document["schema"] == "whichgpu/explanation/1"
    assert document["gpu"] == "rx-6800"
    assert {"heading", "paragraph", "table", "list"} == {block["kind"] for block in document["blocks"]}
