"""Stand-ins for data and libraries: right in shape, type and labels, and almost without memory."""

from __future__ import annotations

import resource
from collections import Counter
from typing import Any

import numpy as np
import pytest

from whichgpu.capturing.keras_scripts import data
from whichgpu.capturing.keras_scripts.datasets import LOADERS
from whichgpu.capturing.keras_scripts.history import History, metric_names
from whichgpu.capturing.keras_scripts.journal import Leaf
from whichgpu.capturing.keras_scripts.pipelines import Dataset
from whichgpu.capturing.stand_ins import learning
from whichgpu.capturing.stand_ins.arrays import RepeatedArray, labels, repeated
from whichgpu.capturing.stand_ins.stubs import PARTS, StubModule
from whichgpu.errors import ScriptFailed
from whichgpu.units import MIB


@pytest.mark.parametrize(
    ("name", "train", "test", "classes"),
    [
        ("mnist", (60_000, 28, 28), (10_000, 28, 28), 10),
        ("fashion_mnist", (60_000, 28, 28), (10_000, 28, 28), 10),
        ("cifar10", (50_000, 32, 32, 3), (10_000, 32, 32, 3), 10),
        ("cifar100", (50_000, 32, 32, 3), (10_000, 32, 32, 3), 100),
        ("imdb", (25_000,), (25_000,), 2),
        ("reuters", (8_982,), (2_246,), 46),
        ("boston_housing", (404, 13), (102, 13), None),
        ("california_housing", (16_512, 8), (4_128, 8), None),
    ],
)
def test_data_sets_have_the_shapes_that_keras_documents(
    name: str, train: tuple[int, ...], test: tuple[int, ...], classes: int | None
) -> None:
    (x, y), (x_test, y_test) = LOADERS[name]()
    assert (x.shape, x_test.shape) == (train, test)
    assert (len(y), len(y_test)) == (train[0], test[0])
    assert classes is None or sorted(set(np.asarray(y).ravel().tolist())) == list(range(classes))


def test_texts_stay_below_the_number_of_words_and_reach_it() -> None:
    (x, _), _ = LOADERS["imdb"](num_words=500)
    assert max(max(text) for text in x) == 499
    assert len({len(text) for text in x}) > 1


def test_normalising_images_takes_no_memory() -> None:
    (x, _), _ = LOADERS["cifar10"]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    y = x.astype("float32") / 255.0
    y -= np.mean(y[:100])
    y = y.reshape(len(y), -1)[np.random.permutation(len(y))]
    assert (y.shape, y.dtype) == ((50_000, 3_072), np.float32)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 40 * MIB


@pytest.mark.parametrize(
    "expression",
    [
        lambda x: x / 255.0,
        lambda x: (x.astype("float64") - 3) * np.arange(5.0),
        lambda x: x[:, None] + x[None],
        lambda x: x[1:3].sum(axis=0),
        lambda x: np.expand_dims(x, -1).reshape(-1),
        lambda x: x[[2, 0, 2]],
        lambda x: x[np.array([True, False, True, True])],
        lambda x: np.concatenate([x, x]).T,
        lambda x: np.std(x, axis=0),
        lambda x: np.add(x, x, out=x) if isinstance(x, RepeatedArray) else x + x,
        lambda x: x > 2,
    ],
)
def test_a_repeated_array_computes_as_the_plain_one(expression: Any) -> None:
    x = repeated(np.array([[1], [2], [3], [4]], dtype="uint8"), (4, 5))
    plain = np.asarray(x).copy()
    expected = expression(plain)
    result = expression(x)
    assert np.asarray(result).dtype == expected.dtype
    np.testing.assert_array_equal(np.asarray(result), expected)


def test_labels_span_their_classes() -> None:
    assert Counter(labels(7, 3).tolist()) == {0: 3, 1: 2, 2: 2}
    assert labels(4, 2, (1,)).shape == (4, 1)


def test_a_stub_accepts_whatever_a_plot_does() -> None:
    plt = StubModule("matplotlib.pyplot")
    figure, (left, right) = plt.subplots(1, 2)
    with plt.style.context("x"):
        left.plot([1], label="a").set_data(0)[0] += right * 2 - 1
    axes = figure.axes
    axes[0, 1].x = 3
    assert list(axes.flat) == []
    assert np.asarray(np.mean(axes), dtype=object) is not None


def test_a_stub_never_invents_a_number() -> None:
    table = StubModule("pandas").read_csv("x.csv")
    for ask in (len, int, float, range):
        with pytest.raises(ScriptFailed, match="pandas is not installed"):
            ask(table)


def test_scikit_learn_by_shape() -> None:
    learning.register()
    split = PARTS["sklearn.model_selection"]()["train_test_split"]
    parts = split(np.zeros((10, 3)), np.zeros(10), test_size=0.25)
    assert [part.shape for part in parts] == [(7, 3), (3, 3), (7,), (3,)]
    binary = PARTS["sklearn.preprocessing"]()["LabelBinarizer"]
    assert binary().fit_transform(["a", "b", "c", "a"]).shape == (4, 3)
    assert binary().fit_transform([0, 1, 0]).shape == (3, 1)
    iris = PARTS["sklearn.datasets"]()["load_iris"]()
    assert (iris.data.shape, sorted(set(iris.target.tolist()))) == ((150, 4), [0, 1, 2])


@pytest.mark.parametrize(
    ("build", "count", "batch_size", "rows"),
    [
        (lambda d: d.batch(32), 4, 32, 100),
        (lambda d: d.batch(32, drop_remainder=True), 3, 32, 96),
        (lambda d: d.shuffle(9).batch(10).prefetch(1).repeat(3), 30, 10, 300),
        (lambda d: d.take(40).batch(16), 3, 16, 40),
        (lambda d: d.batch(16).take(2), 2, 16, 32),
        (lambda d: d.batch(10).skip(4).cache(), 6, 10, 60),
        (lambda d: d.batch(10).repeat(), None, 10, 100),
        (lambda d: Dataset.zip((d, d.take(30))).batch(4), 8, 4, 30),
    ],
)
def test_a_pipeline_counts_its_elements_and_samples(
    build: Any, count: int | None, batch_size: int, rows: int | None
) -> None:
    built = build(Dataset.from_tensor_slices((np.zeros((100, 3)), np.zeros(100))))
    assert (built.count, built.batch_size, built.rows) == (count, batch_size, rows)


class Batches:
    """A sequence of batches, as Keras' Sequence."""

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return np.zeros((16, 3)), np.zeros(16, dtype="int64")


@pytest.mark.parametrize(
    ("arguments", "batch_size", "samples"),
    [
        ({"x": np.zeros((100, 3)), "batch_size": 8, "validation_split": 0.25}, 8, 75),
        ({"x": np.zeros((100, 3)), "validation_split": 0.25, "validation_data": (1, 2)}, 32, 100),
        ({"x": [np.zeros((50, 3)), np.zeros((50, 4))]}, 32, 50),
        ({"x": [[1, 2], [3, 4], [5, 6]]}, 32, 3),
        ({"x": {"a": np.zeros((60, 3))}, "steps_per_epoch": 5, "batch_size": 4}, 4, 20),
        ({"x": Batches()}, 16, 160),
        ({"x": iter([(np.zeros((16, 3)), np.zeros(16))]), "steps_per_epoch": 7}, 16, 112),
        ({"x": StubModule("pandas").read_csv()}, 32, None),
    ],
)
def test_what_fit_is_fed(arguments: dict[str, Any], batch_size: int, samples: int | None) -> None:
    fed = data.of_fit({**arguments, "epochs": 3})
    assert (fed.batch_size, fed.samples, fed.epochs) == (batch_size, samples, 3)


def test_targets_keep_their_type() -> None:
    fed = data.of_fit({"x": np.zeros((4, 3)), "y": np.zeros((4, 1), dtype="int64")})
    assert (fed.inputs, fed.targets) == (Leaf((3,), "float32"), Leaf((1,), "int64"))


def test_a_history_has_a_curve_for_every_name() -> None:
    history = History(None, 3, metric_names(["accuracy", {"out": "mae"}]), validated=True)
    assert set(history.history) == {"loss", "accuracy", "mae", "val_loss", "val_accuracy", "val_mae"}
    assert [len(curve) for curve in (history.history["val_loss"], history.history["acc"])] == [3, 3]
