"""Scripts that only TensorFlow runs: traced by it where it is installed, counted by hand; else one line says so."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from tests.contract.tracing_cases import flops

from whichgpu.capturing import CaptureRequest, capture
from whichgpu.errors import Untraceable
from whichgpu.workload import Workload

pytest.importorskip("torch")
pytest.importorskip("keras")
HERE = importlib.util.find_spec("tensorflow") is not None
pytestmark = pytest.mark.keras
with_it = pytest.mark.skipif(not HERE, reason="needs TensorFlow")


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Reads a script given as text."""

    def call(text: str, **options: Any) -> Workload:
        path = tmp_path / "train.py"
        path.write_text("import tensorflow as tf\n" + text, encoding="utf-8")
        return capture(str(path), CaptureRequest(cache=False, **options))

    return call


PIPELINE = """
(x, y), _ = tf.keras.datasets.mnist.load_data()
words = tf.strings.split("only TensorFlow has these")

def prepared(image, label):
    image = tf.io.decode_png(tf.io.encode_png(image[..., None]))
    return tf.cast(image, tf.float32) / 255.0, label

rows = tf.data.Dataset.from_tensor_slices((x, y)).map(prepared).batch(32, drop_remainder=True)
model = tf.keras.Sequential(
    [
        tf.keras.layers.Input((28, 28, 1)),
        tf.keras.layers.Conv2D(8, 3, activation="relu"),
        tf.keras.layers.MaxPool2D(),
        tf.keras.layers.Flatten(),
        tf.keras.layers.Dense(10),
    ]
)
model.compile("adam", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(rows, epochs=4)
"""

LOOP = """
(x, y), _ = tf.keras.datasets.cifar10.load_data()
rows = tf.data.Dataset.from_tensor_slices((x, y)).batch(64)
model = tf.keras.Sequential(
    [
        tf.keras.layers.Input((32, 32, 3)),
        tf.keras.layers.DepthwiseConv2D(3, padding="same"),
        tf.keras.layers.Conv2D(16, 1),
        tf.keras.layers.Conv2DTranspose(4, 2, strides=2),
        tf.keras.layers.GlobalAveragePooling2D(),
        tf.keras.layers.Dense(10),
    ]
)
optimizer = tf.keras.optimizers.SGD(0.1, momentum=0.9)
loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
print(tf.strings.length("only TensorFlow has these"))


DECORATOR
def step(images, labels):
    images = tf.image.adjust_hue(tf.cast(images, tf.float32), 0.1)
    with tf.GradientTape() as tape:
        value = loss(labels, model(images, training=True))
    gradients = tape.gradient(value, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return value


for epoch in range(3):
    for images, labels in rows:
        step(images, labels)
"""


@with_it
def test_a_model_fitted_on_a_pipeline_that_only_tensorflow_runs(read: Any) -> None:
    found = read(PIPELINE)
    # kernels of 3 by 3 on one channel, at 26 by 26 places; then 13·13·8 numbers by 10
    conv, dense = 26 * 26 * 8 * 9, 13 * 13 * 8 * 10
    assert flops(found.graph) == (32 * 2 * (conv + dense), 32 * 2 * (conv + 2 * dense))
    assert (found.parameters, found.trainable_parameters) == (80 + 13_530, 80 + 13_530)
    assert (found.batch_size, found.samples, found.epochs) == (32, 60_000, 4)
    assert (found.optimizer, found.stack) == ("adam", "tf2-graph")
    assert flops(found.at_batch(50).graph) == (50 * 2 * (conv + dense), 50 * 2 * (conv + 2 * dense))


@with_it
def test_a_loop_of_the_scripts_own_under_tf_function(read: Any) -> None:
    found = read(LOOP.replace("DECORATOR", "@tf.function"))
    depthwise, point, turned, dense = 32 * 32 * 3 * 9, 32 * 32 * 3 * 16, 32 * 32 * 16 * 4 * 4, 4 * 10
    # the images have no gradient, so the first layer has that of its kernel alone
    forward, backward = depthwise + point + turned + dense, depthwise + 2 * (point + turned + dense)
    assert flops(found.graph) == (64 * 2 * forward, 64 * 2 * backward)
    assert found.parameters == (27 + 3) + (48 + 16) + (256 + 4) + 50
    assert (found.batch_size, found.optimizer) == (64, "momentum")


@with_it
def test_a_loop_outside_of_tf_function_is_refused(read: Any) -> None:
    with pytest.raises(Untraceable, match="outside of tf") as caught:
        read(LOOP.replace("DECORATOR", ""))
    assert "@tf.function" in (caught.value.hint or "")


@with_it
def test_what_has_no_rule_is_named(read: Any) -> None:
    from whichgpu.costing import cost_tables, unknown

    found = read(PIPELINE.replace('activation="relu"', "activation=tf.math.special.bessel_j0"))
    assert "tf.BesselJ0" in {name for name, _ in unknown(cost_tables(found, allow_uncovered=True), [1])}


@pytest.mark.skipif(HERE, reason="TensorFlow is installed")
def test_without_tensorflow_a_line_says_what_to_install(read: Any) -> None:
    with pytest.raises(Untraceable, match=r"tf\.strings\.split exists only in TensorFlow") as caught:
        read(PIPELINE)
    assert "pip install 'whichgpu[tensorflow]'" in (caught.value.hint or "")
