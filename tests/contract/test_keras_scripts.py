"""Scripts as tutorials write them, read into workloads: counts by literals and closed forms, numbers from the calls."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
from tests.contract.tracing_cases import flops

from whichgpu.capturing import CaptureRequest, capture
from whichgpu.capturing.transforming import transformed
from whichgpu.documents import capture as capture_document
from whichgpu.errors import InvalidValue, UnknownName
from whichgpu.graph import Kind, Operator, Phase
from whichgpu.workload import Precision, Workload

pytestmark = pytest.mark.keras

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "scripts"
HEAD = "from tensorflow import keras\nfrom tensorflow.keras import layers\n"


@functools.cache
def _read(path: Path, **options: Any) -> Workload:
    return capture(str(path), CaptureRequest(cache=False, **options))


def example(name: str, **options: Any) -> Workload:
    return _read(ROOT / "examples" / f"{name}.py", **options)


def tutorial(name: str) -> Workload:
    return _read(SCRIPTS / f"{name}.py")


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Reads a script given as text."""

    def call(text: str, **options: Any) -> Workload:
        path = tmp_path / "script.py"
        path.write_text(text, encoding="utf-8")
        return capture(str(path), CaptureRequest(cache=False, **options))

    return call


def recurrent(workload: Workload, phase: Phase) -> list[Operator]:
    return [op for op in workload.graph.operators if op.kind is Kind.RNN and op.phase is phase]


def assumed(workload: Workload) -> dict[str, Any]:
    return {assumption.code: dict(assumption.values) for assumption in workload.assumptions}


@pytest.mark.parametrize(
    ("name", "parameters", "trainable"),
    [
        ("mnist_cnn", 93_322, 93_322),
        ("simple_rnn", 4_865, 4_865),
        ("lstm", 19_265, 19_265),
        ("gru", 14_657, 14_657),
        ("vgg16_transfer", 17_927_370, 3_212_682),
    ],
)
def test_examples_have_the_parameters_that_keras_prints(name: str, parameters: int, trainable: int) -> None:
    workload = example(name)
    assert (workload.graph.parameters, workload.graph.trainable_parameters) == (parameters, trainable)
    assert (workload.phase, workload.step, workload.optimizer, workload.stack) == ("train", "full", "adam", "tf2-graph")
    assert capture_document(workload)["coverage"] == 1.0


def test_the_convolutional_network_does_what_its_layers_say() -> None:
    # A sample's products, 1 multiplication with addition = 2 FLOP:
    #   conv 26·26·32·(3·3·1) + conv 11·11·64·(3·3·32) + conv 3·3·64·(3·3·64) + dense 576·64 + dense 64·10 = 2 794 240
    workload = example("mnist_cnn")
    assert (workload.batch_size, workload.epochs, workload.samples) == (64, 5, 60_000)
    assert capture_document(workload)["forward_flops"] == 64 * 5_588_480
    assert "batch_size_assumed" not in assumed(workload)


def test_frozen_vgg16_has_no_gradient_below_its_head() -> None:
    document = capture_document(example("vgg16_transfer"))
    assert round(document["forward_flops"] / 1e9, 1) == 982.4
    # The head alone: weights of 25088·128 and 128·10, and the gradient through 128·10; 2 FLOP each, 32 samples.
    assert document["backward_flops"] == 2 * 32 * (25_088 * 128 + 128 * 10 + 128 * 10)
    assert round((document["forward_flops"] + document["backward_flops"]) / 1e9, 1) == 982.6
    assert round(document["saved_activation_bytes"] / 2**20, 1) == 3.1


def test_unfrozen_vgg16_trains_every_layer(read: Any) -> None:
    text = (ROOT / "examples" / "vgg16_transfer.py").read_text(encoding="utf-8")
    document = capture_document(read(text.replace("layer.trainable = False", "layer.trainable = True")))
    # Three times the forward pass, less the gradient of the images: conv 224·224·64·(3·3·3), 2 FLOP, 32 samples.
    total = document["forward_flops"] + document["backward_flops"]
    assert total == 3 * document["forward_flops"] - 2 * 32 * 224 * 224 * 64 * 27
    assert round(total / 1e9, 1) == 2_941.6
    assert document["trainable_parameters"] == document["parameters"] == 17_927_370


@pytest.mark.parametrize(("name", "gates"), [("simple_rnn", 1), ("gru", 3), ("lstm", 4)])
def test_a_recurrent_layer_is_one_operator_with_the_flops_of_its_products(name: str, gates: int) -> None:
    # Every step multiplies the input [32, 10] and the state [32, 64] with gates·64 columns:
    #   forward = 2·batch·steps·gates·hidden·(features + hidden)
    # and the dense layer adds 2·32·64. The backward pass makes the gradients of both weights and of the state, but
    # none of the input:
    #   backward = 2·batch·steps·gates·hidden·((features + hidden) + hidden)
    workload = example(name)
    forward, backward = (recurrent(workload, phase) for phase in (Phase.FORWARD, Phase.BACKWARD))
    assert (len(forward), len(backward)) == (1, 1)
    assert backward[0].attributes["input_gradient"] is False
    document = capture_document(workload)
    assert document["forward_flops"] == 2 * 32 * 100 * gates * 64 * (10 + 64) + 2 * 32 * 64
    assert document["backward_flops"] == 2 * 32 * 100 * gates * 64 * (10 + 64 + 64) + 2 * 2 * 32 * 64
    assert len(workload.graph.operators) < 40


def test_only_layers_with_a_library_kernel_are_fused() -> None:
    fused = {
        name: recurrent(example(name), Phase.FORWARD)[0].attributes["fused"] for name in ("simple_rnn", "lstm", "gru")
    }
    assert fused == {"simple_rnn": False, "lstm": True, "gru": True}


RECURRENT = """
layers.LSTM(9, return_sequences=True),
layers.LSTM(9, activation="relu", return_sequences=True),
layers.LSTM(9, recurrent_dropout=0.2, return_sequences=True),
layers.LSTM(9, use_bias=False, return_sequences=True),
layers.LSTM(9, unroll=True, return_sequences=True),
layers.LSTM(9, go_backwards=True, dropout=0.1, return_sequences=True),
layers.GRU(9, reset_after=False, return_sequences=True),
layers.Bidirectional(layers.GRU(9, return_sequences=True)),
layers.RNN(layers.LSTMCell(9), return_sequences=True),
layers.Masking(),
layers.LSTM(9, return_sequences=True),
layers.GRU(9),
"""
FUSED = [True, False, False, False, False, True, False, True, True, False, True, True]


def test_options_decide_whether_a_recurrent_layer_is_fused(read: Any) -> None:
    model = f"model = keras.Sequential([keras.Input((20, 7)), {RECURRENT}])\nmodel.compile('sgd', 'mse')\n"
    workload = read(HEAD + model)
    forward = recurrent(workload, Phase.FORWARD)
    assert [op.attributes["fused"] for op in forward] == FUSED
    assert [op.attributes["masked"] for op in forward] == [False] * 10 + [True, True]
    assert len(recurrent(workload, Phase.BACKWARD)) == len(FUSED)
    on_torch = read(HEAD + model, stack="keras-torch")
    assert [op.attributes["fused"] for op in recurrent(on_torch, Phase.FORWARD)] == [*FUSED[:10], False, False]


def test_unknown_lengths_and_batches_are_assumed_and_said() -> None:
    said = assumed(example("lstm"))
    assert said["sequence_length_assumed"] == {"sequence_length": 100}
    assert said["batch_size_assumed"] == {"batch_size": 32}
    asked = example("lstm", sequence_length=50, batch_size=7)
    assert not {"sequence_length_assumed", "batch_size_assumed"} & set(assumed(asked))
    assert (asked.sequence_length, asked.batch_size) == (50, 7)
    assert capture_document(asked)["forward_flops"] == 2 * 7 * 50 * 4 * 64 * 74 + 2 * 7 * 64


def test_a_capture_knows_how_it_scales_with_the_batch() -> None:
    grown = example("mnist_cnn").at_batch(256)
    assert capture_document(grown) == {
        **capture_document(example("mnist_cnn", batch_size=256)),
        "workload": grown.document(),
    }


def test_copies_that_the_capturing_backend_makes_are_told_from_the_models_own() -> None:
    reasons = {op.attributes["reason"] for op in example("mnist_cnn").graph.operators if op.kind is Kind.COPY}
    assert reasons <= {"layout"}


@pytest.mark.parametrize(
    ("name", "parameters", "batch_size", "samples", "epochs", "optimizer"),
    [
        # parameters: counted by hand from the layers, or as the tutorial itself prints them
        ("mnist_mlp", 669_706, 128, 60_000, 20, "rmsprop"),
        ("imdb_bidirectional", 2_757_761, 64, 20_000, 2, "adam"),
        ("autoencoder", 3_217, 32, 60_000, 10, "adam"),
        ("two_inputs", 1_392_097, 32, 1_280, 2, "rmsprop"),
        ("sine_conv1d", 77_157, 16, 684, 100, "adam"),
        ("mobilenet_finetune", 2_225_153, 32, None, None, "rmsprop"),
        ("resnet_generator", 24_061_706, 64, 49_984, 3, "momentum"),
        ("gan", 1_094_673, 64, None, None, "adam"),
        ("text_classification", 16_433, 32, 200, 30, "adam"),
        ("transformer_block", 657_758, 32, 25_000, 2, "adam"),
        ("seq2seq", 718_173, 64, 800, 100, "rmsprop"),
        ("pipeline", 20_074, 128, 50_000, 10, "momentum"),
        ("ts_lstm_pandas", 133, 1, 92, 100, "adam"),
        ("vae_train_step", 134_165, 128, 1_000, 30, "adam"),
        ("iris_kfold", 259, 5, 120, 200, "adam"),
        ("dogs_flow_from_directory", 2_664_481, 16, 2_000, 50, "rmsprop"),
        ("quickstart_tape", 2_770_634, 32, 60_000, None, "adam"),
        ("dcgan_tape", 2_518_337, 256, 60_000, None, "adam"),
    ],
)
def test_tutorials_are_followed(
    name: str, parameters: int, batch_size: int, samples: int | None, epochs: int | None, optimizer: str
) -> None:
    workload = tutorial(name)
    assert workload.parameters == parameters
    assert (workload.batch_size, workload.samples, workload.epochs) == (batch_size, samples, epochs)
    assert (workload.optimizer, workload.phase) == (optimizer, "train")
    assert capture_document(workload)["coverage"] > 0.99
    assert "script_stopped" not in assumed(workload)


def test_a_round_of_a_gan_is_all_that_its_loop_does() -> None:
    workload = tutorial("gan")
    generator, discriminator = 100 * 256 + 256 * 512 + 512 * 784, 784 * 512 + 512 * 256 + 256
    learnt = discriminator + 512 * 256 + 256  # and the gradients of what enters its second and third layers
    assert [(stage.name, stage.step, stage.repetitions) for stage in workload.stages] == [
        ("gan.generator.predict", "forward", 1),
        ("gan.discriminator", "full", 2),
        ("gan.combined", "full", 1),
    ]
    assert [flops(stage.graph) for stage in workload.stages] == [
        (128 * generator, 0),
        (128 * discriminator, 128 * learnt),
        # the frozen discriminator gives gradients of what enters it, the generator learns
        (128 * (generator + discriminator), 128 * (discriminator + 2 * generator - 100 * 256)),
    ]
    assert workload.parameters == workload.trainable_parameters == 1_094_673
    assert assumed(workload)["round_captured"]["stages"] == [
        "1 x gan.generator.predict",
        "2 x gan.discriminator",
        "1 x gan.combined",
    ]
    assert [stage.graph.batch_size for stage in workload.at_batch(100).stages] == [100, 100, 100]


def test_options_of_training_are_of_one_model_of_a_round() -> None:
    with pytest.raises(InvalidValue, match="several models") as caught:
        transformed(tutorial("gan"), CaptureRequest(phase="train", gradient_accumulation=2))
    assert (caught.value.field, caught.value.hint) == (
        "gradient-accumulation",
        "choose one of its models: --model NAME",
    )


def test_the_states_of_all_optimizers_of_a_round_are_in_memory() -> None:
    from whichgpu.catalog import default_catalog
    from whichgpu.predicting import predict

    found = predict(tutorial("gan"), [default_catalog().get("rtx-4090")])[0].memory
    # two moments of Adam for both networks, the weights of both once, moving statistics of the generator
    assert found.optimizer_bytes == pytest.approx(8 * 1_094_673, rel=0.01)
    assert found.weights_bytes == pytest.approx(4 * (1_094_673 + 4 * 768), rel=0.01)


def test_what_a_tutorial_lacks_is_said() -> None:
    assert assumed(tutorial("dogs_flow_from_directory"))["folders_missing"]["folders"] == [
        "data/train",
        "data/validation",
    ]
    assert assumed(tutorial("mnist_mlp"))["former_arguments"]["arguments"] == ["lr"]
    # 1 862 721 of MobileNetV2's weights train from layer 100 on, as TensorFlow's own tutorial prints.
    assert tutorial("mobilenet_finetune").graph.trainable_parameters == 1_862_721


TWO = f"""{HEAD}import numpy as np
small = keras.Sequential([keras.Input((8,)), layers.Dense(4)], name="first")
large = keras.Sequential([keras.Input((8,)), layers.Dense(40)])
small.compile("adam", "mse")
large.compile("adam", "mse")
small.fit(np.zeros((10, 8)), np.zeros((10, 4)), batch_size=5)
"""


def test_of_several_models_the_last_fitted_is_taken_and_named(read: Any) -> None:
    workload = read(TWO)
    assert workload.graph.parameters == 8 * 4 + 4
    assert assumed(workload)["model_chosen"] == {"model": "small", "models": ["large", "small"], "rank": "fitted"}


@pytest.mark.parametrize(("name", "parameters"), [("large", 8 * 40 + 40), ("first", 8 * 4 + 4)])
def test_a_name_chooses_another_model(read: Any, name: str, parameters: int) -> None:
    assert read(TWO, model=name).graph.parameters == parameters


def test_an_unknown_model_is_answered_with_those_there_are(read: Any) -> None:
    with pytest.raises(UnknownName) as caught:
        read(TWO, model="larg")
    assert "large" in (caught.value.hint or "")


def test_precision_stack_and_phase_come_from_the_script(read: Any) -> None:
    text = """import os
os.environ["KERAS_BACKEND"] = "jax"
import keras
keras.mixed_precision.set_global_policy("mixed_bfloat16")
inputs = keras.Input((8,))
model = keras.Model(inputs, keras.layers.Dense(4)(inputs))
"""
    workload = read(text)
    assert (workload.phase, workload.step, workload.optimizer) == ("infer", "forward", "none")
    assert (workload.stack, workload.precision) == ("jax", Precision.AMP_BF16)
    assert {op.phase for op in workload.graph.operators} == {Phase.FORWARD}


def test_a_pasted_listing_is_repaired_and_the_repairs_named(read: Any) -> None:
    listing = (
        "```python\n"
        + HEAD
        + "model = keras.Sequential([\n\u3000keras.Input((8,)), layers.Dense(4)])\nmodel.compile(“adam”, “mse”)\n```\n"
    )
    workload = read(listing)
    said = assumed(workload)
    assert said["repaired_code_fences"] == {"count": 2}
    assert said["repaired_quotes"] == {"count": 4}
    assert workload.graph.parameters == 36


def test_what_a_script_writes_is_thrown_away(tmp_path: Path) -> None:
    script = tmp_path / "writes.py"
    script.write_text(
        HEAD
        + "model = keras.Sequential([keras.Input((8,)), layers.Dense(4)])\nmodel.compile('adam', 'mse')\n"
        + "model.save('model.keras')\nopen('log.txt', 'w').write(open('notes.txt').read())\n",
        encoding="utf-8",
    )
    (tmp_path / "notes.txt").write_text("kept", encoding="utf-8")
    capture(str(script), CaptureRequest(cache=False))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "writes.py"]


def test_a_second_capture_comes_from_the_cache_unless_something_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHICHGPU_CACHE", str(tmp_path / "cache"))
    script, sizes = tmp_path / "script.py", tmp_path / "units.txt"
    script.write_text(
        HEAD
        + "units = int(open('units.txt').read())\nmodel = keras.Sequential([keras.Input((8,)), layers.Dense(units)])\n"
        + "model.compile('adam', 'mse')\n",
        encoding="utf-8",
    )
    sizes.write_text("4", encoding="utf-8")
    first = capture(str(script))
    with monkeypatch.context() as patched:
        patched.setattr("whichgpu.capturing.scripts.run", None)  # the sandbox must not be needed
        assert capture(str(script)) == first
    sizes.write_text("5", encoding="utf-8")
    assert capture(str(script)).graph.parameters == 8 * 5 + 5
