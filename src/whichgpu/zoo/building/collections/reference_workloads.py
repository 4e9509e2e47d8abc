"""The models of ``top`` and ``compare`` from nowhere else: the example scripts, and an encoder of BERT's size.

The scripts are captured as a user's would be; their parameter counts are those that Keras prints. BERT is the published
base configuration with a classifier of two labels at 128 tokens, as it is fine-tuned.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from whichgpu.capturing import CaptureRequest, capture
from whichgpu.graph import OperatorGraph
from whichgpu.zoo.building.blueprint import Blueprint, Capture, register, variants
from whichgpu.zoo.building.hugging_face import configured, text

EXAMPLES: Final = Path(__file__).resolve().parents[5] / "examples"

_STEPS: Final = 100
"""Length of the sequences that the scripts leave open."""


def _script(name: str, phase: str) -> Capture:
    def captured(batch: int) -> OperatorGraph:
        request = CaptureRequest(batch_size=batch, phase=phase, sequence_length=_STEPS)
        return capture(str(EXAMPLES / f"{name}.py"), request).graph

    return captured


def _vision(name: str, script: str, published: str, category: str, input: str) -> None:
    _example(name, script, published, category=category, family="cnn", input=input, steps=None)


def _series(name: str, script: str, published: str) -> None:
    _example(name, script, published, category="time-series", family="rnn", input=f"{_STEPS}x10", steps=_STEPS)


def _example(
    name: str, script: str, published: str, *, category: str, family: str, input: str, steps: int | None
) -> None:
    register(
        Blueprint(
            name=name,
            category=category,
            family=family,
            source=f"examples/{script}.py",
            published=published,
            graphs={"train": _script(script, "train"), "infer": _script(script, "infer")},
            block="reference",
            input=input,
            sequence_length=steps,
            optimizer="adam",
        )
    )


def _register_all() -> None:
    _vision("mnist-cnn", "mnist_cnn", "93322", "image-classification", "28x28x1")
    _vision("vgg16-transfer", "vgg16_transfer", "17927370", "transfer-learning", "224x224x3")
    _series("simple-rnn", "simple_rnn", "4865")
    _series("lstm", "lstm", "19265")
    _series("gru", "gru", "14657")
    register(
        Blueprint(
            name="bert-base",
            category="text-classification",
            family="transformer",
            source="google-bert/bert-base-uncased, two labels, 128 tokens",
            published="109483778",
            graphs=variants(configured("BertForSequenceClassification", "BertConfig", text(128, labels=0))),
            block="reference",
            input="128 tokens",
            sequence_length=128,
            optimizer="adam",
        )
    )


_register_all()
