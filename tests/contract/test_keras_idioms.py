"""Idioms of public Keras scripts: public data by name, text layers, windows, loops without end, losses by symbol."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from whichgpu.capturing.reading import capture
from whichgpu.capturing.request import CaptureRequest
from whichgpu.documents import capture as capture_document
from whichgpu.errors import ScriptFailed, WhichGpuError
from whichgpu.workload import Workload

pytestmark = [
    pytest.mark.keras,
    pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="needs keras"),
]

HEAD = (
    "import numpy as np\nimport tensorflow as tf\nfrom tensorflow import keras\nfrom tensorflow.keras import layers\n"
)


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], Workload]:
    """Reads a script given as text."""

    def call(text: str) -> Workload:
        path = tmp_path / "script.py"
        path.write_text(text, encoding="utf-8")
        return capture(str(path), CaptureRequest(cache=False))

    return call


def said(workload: Workload, code: str) -> Any:
    return {item.code: item.values for item in workload.assumptions}[code]


def test_a_known_text_is_read_at_its_published_size(read: Any) -> None:
    workload = read(
        f"""{HEAD}
path = keras.utils.get_file("nietzsche.txt", origin="https://s3.amazonaws.com/text-datasets/nietzsche.txt")
text = open(path, encoding="utf-8").read().lower()
chars = sorted(set(text))
x = np.zeros((1000, 40, len(chars)), dtype=np.float32)
model = keras.Sequential([layers.Input((40, len(chars))), layers.LSTM(128), layers.Dense(len(chars))])
model.compile("sgd", "mse")
model.fit(x, x[:, 0], batch_size=128)
"""
    )
    # LSTM over 57 characters: 4·128·(57 + 128 + 1); dense: 128·57 + 57
    assert workload.graph.parameters == 4 * 128 * (57 + 128 + 1) + 128 * 57 + 57
    assert said(workload, "public_data_assumed") == {"names": ["nietzsche.txt"]}


def test_a_file_beside_the_script_comes_before_any_stand_in(read: Any, tmp_path: Path) -> None:
    (tmp_path / "nietzsche.txt").write_text("abcab", encoding="utf-8")
    workload = read(
        f"""{HEAD}
chars = sorted(set(open("nietzsche.txt").read()))
model = keras.Sequential([layers.Input((len(chars),)), layers.Dense(2)])
model.compile("sgd", "mse")
"""
    )
    assert workload.graph.parameters == 3 * 2 + 2
    assert "public_data_assumed" not in {item.code for item in workload.assumptions}


def test_data_that_nobody_knows_are_asked_for_in_one_line(read: Any) -> None:
    with pytest.raises(ScriptFailed) as caught:
        read(f"{HEAD}rows = open('our-sales.csv').read()\n")
    assert "our-sales.csv" in caught.value.message
    assert "\n" not in caught.value.message


def test_a_known_folder_is_split_as_keras_splits_it(read: Any) -> None:
    # Keras' tutorial prints "Using 18728 files for training", "Using 4682 files for validation"
    workload = read(
        f"""{HEAD}
train, held = keras.utils.image_dataset_from_directory(
    "PetImages", validation_split=0.2, subset="both", seed=1, image_size=(20, 20), batch_size=128)
assert held.rows == 4682, held.rows
model = keras.Sequential([layers.Input((20, 20, 3)), layers.Flatten(), layers.Dense(1)])
model.compile("adam", "binary_crossentropy")
model.fit(train, epochs=2, validation_data=held)
"""
    )
    assert (workload.samples, workload.batch_size, workload.epochs) == (18_728, 128, 2)


TEXTS = f"""{HEAD}
texts = keras.utils.text_dataset_from_directory("aclImdb/train", batch_size=64)
words = layers.TextVectorization(max_tokens=5000, output_mode="int", output_sequence_length=30)
words.adapt(texts.map(lambda x, y: x))
data = texts.map(lambda x, y: (words(tf.expand_dims(x, -1)), y))
model = keras.Sequential([layers.Input((None,), dtype="int64"), layers.Embedding(5000, 7), layers.LSTM(1)])
model.compile("adam", "mse")
model.fit(data)
"""


def test_texts_become_the_numbers_that_the_layer_says(read: Any) -> None:
    workload = read(TEXTS)
    assert (workload.sequence_length, workload.batch_size, workload.samples) == (30, 64, 25_000)
    assert workload.graph.parameters == 5000 * 7 + 4 * 1 * (7 + 1 + 1)


def test_lookups_are_as_wide_as_their_words(read: Any) -> None:
    workload = read(
        f"""{HEAD}
letters = layers.StringLookup(vocabulary=["a", "b", "c"], output_mode="one_hot")
numbers = layers.IntegerLookup(output_mode="multi_hot")
numbers.adapt(np.array([[3], [5], [3], [9]]))
first, second = keras.Input((1,), dtype="string"), keras.Input((2,), dtype="int64")
model = keras.Model([first, second], layers.Dense(1)(layers.concatenate([letters(first), numbers(second)])))
model.compile("adam", "mse")
"""
    )
    assert workload.graph.parameters == (3 + 1) + (3 + 1) + 1  # a number for what is not among the words, each


def test_windows_of_a_series_are_counted(read: Any) -> None:
    # starts 0 … 1000 − (20−1)·3 − 1 = 942, of which every second: 472
    workload = read(
        f"""{HEAD}
series = np.zeros((1000, 5))
data = keras.utils.timeseries_dataset_from_array(
    series, targets=series[:, 0], sequence_length=20, sampling_rate=3, sequence_stride=2, batch_size=16)
model = keras.Sequential([layers.Input((20, 5)), layers.GRU(4), layers.Dense(1)])
model.compile("adam", "mse")
model.fit(data)
"""
    )
    assert (workload.samples, workload.sequence_length, workload.batch_size) == (472, 20, 16)


def test_a_loss_by_symbol_is_part_of_the_step(read: Any) -> None:
    workload = read(
        f"""{HEAD}
inputs = keras.Input((8,))
code = layers.Dense(4)(inputs)
model = keras.Model(inputs, layers.Dense(8)(code))
model.add_loss(tf.reduce_mean(tf.square(code)))
model.compile("adam")
model.fit(np.zeros((32, 8)), batch_size=16)
"""
    )
    document = capture_document(workload)
    assert document["forward_flops"] == 2 * 16 * (8 * 4 + 4 * 8)
    assert document["backward_flops"] == 2 * 16 * 8 * 4  # the weights of the code alone: nothing else enters the loss


def test_a_gradient_of_a_gradient_is_counted(read: Any) -> None:
    # One critic layer 6 → 1 without bias, penalty on the norm of its gradient by the input. Forward 2·b·6; the inner
    # gradient makes the input's, 2·b·6; differentiating it by the weights, 2·b·6 once more.
    workload = read(
        f"""{HEAD}
class Critic(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1, use_bias=False)
        self.dense.build((None, 6))
    def call(self, x):
        return self.dense(x)
    def train_step(self, data):
        x = tf.identity(data[0] if isinstance(data, tuple) else data)
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(x)
                answer = self(x, training=True)
            slope = inner.gradient(answer, [x])[0]
            loss = tf.reduce_mean((tf.sqrt(tf.reduce_sum(tf.square(slope), axis=1)) - 1.0) ** 2)
        grads = outer.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(grads, self.trainable_variables))
        return {{"loss": loss}}
model = Critic()
model.compile(optimizer="adam")
model.fit(np.zeros((64, 6), dtype="float32"), batch_size=16)
"""
    )
    document = capture_document(workload)
    assert document["forward_flops"] + document["backward_flops"] == 3 * 2 * 16 * 6


LOOP = f"""{HEAD}
import gym
env = gym.make("CartPole-v1")
inputs = layers.Input((env.observation_space.shape[0],))
model = keras.Model(inputs, layers.Dense(env.action_space.n)(layers.Dense(16)(inputs)))
optimizer = keras.optimizers.Adam(0.01)
while True:
    state = env.reset()
    with tf.GradientTape() as tape:
        done = False
        while not done:
            answer = model(tf.expand_dims(tf.convert_to_tensor(state), 0))
            state, reward, done, _ = env.step(0)
        loss = tf.reduce_mean(answer)
    optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
"""


@pytest.mark.skipif(importlib.util.find_spec("gym") is not None, reason="gym itself is installed")
def test_a_loop_without_end_is_followed_until_it_is_known(read: Any) -> None:
    workload = read(LOOP)
    assert workload.graph.parameters == 4 * 16 + 16 + 16 * 2 + 2
    assert said(workload, "loop_cut")["rounds"] > 0


def test_a_long_loop_over_batches_ends_early_and_says_so(read: Any) -> None:
    workload = read(
        f"""{HEAD}
model = keras.Sequential([layers.Input((8,)), layers.Dense(4)])
model.compile("adam", "mse")
for step in range(1_000_000):
    model.train_on_batch(np.zeros((10, 8)), np.zeros((10, 4)))
"""
    )
    assert workload.batch_size == 10
    assert said(workload, "loop_cut")["rounds"] > 0


def test_what_a_checkpoint_saved_is_loaded_again(read: Any) -> None:
    workload = read(
        f"""{HEAD}
model = keras.Sequential([layers.Input((8,)), layers.Dense(4)])
model.compile("rmsprop", "mse", metrics=["mae"])
kept = keras.callbacks.ModelCheckpoint("best.keras")
model.fit(np.zeros((10, 8), dtype=np.float), np.zeros((10, 4)), callbacks=[kept])
best = keras.models.load_model("best.keras")
print(f"{{best.evaluate(np.zeros((10, 8)), np.zeros((10, 4)))[1]:.2f}}")
"""
    )
    assert "script_stopped" not in {item.code for item in workload.assumptions}


def test_a_vocabulary_that_only_data_tell_is_asked_for(read: Any) -> None:
    with pytest.raises(WhichGpuError) as caught:
        read(TEXTS.replace("max_tokens=5000, ", "").replace("Embedding(5000", "Embedding(words.vocabulary_size()"))
    assert "number of words" in caught.value.message
