"""Train the example scripts for real on this processor, and print each step's time beside the prediction for it.

    python scripts/train_examples.py            all five, one process each
    python scripts/train_examples.py FILE       one, whose measurement is printed as JSON

The scripts are taken as they are. ``tensorflow.keras`` is Keras 3 on PyTorch, and that is the stack that is predicted;
their own calls of ``fit`` are left out, since they would load data sets from the network: afterwards the model they
compiled is trained for one epoch on synthetic data of its shape.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
EXAMPLES = ("mnist_cnn", "simple_rnn", "lstm", "gru", "vgg16_transfer")
SAMPLES = {"mnist_cnn": 12_800, "vgg16_transfer": 64}
"""Samples of the one epoch; 2 048 where nothing is said."""

STEPS = 100
"""Length of a sequence that the script leaves open, as in the prediction."""


def main() -> None:
    """Train one script (named on the command line) or all of them."""
    if len(sys.argv) > 1:
        print(json.dumps(train(Path(sys.argv[1]))))
    else:
        report()


# --- the child: one script, trained -------------------------------------------------------------------------------


def train(script: Path) -> dict[str, Any]:
    """The median step of one epoch in seconds, with batch size and what stood in for missing weights."""
    os.environ["KERAS_BACKEND"] = "torch"
    notes: list[str] = []
    model, asked = compiled(script, notes)
    batch = int(asked.get("batch_size", 32))
    return {"step_s": median_step_s(model, batch, SAMPLES.get(script.stem, 2048)), "batch": batch, "notes": notes}


def compiled(script: Path, notes: list[str]) -> tuple[Any, dict[str, Any]]:
    """The model that a script compiles last, and what it asks of ``fit``; on TensorFlow its names are TensorFlow's."""
    import keras

    from whichgpu.capturing.keras_scripts import aliases, tensorflow_names

    keras.utils.set_random_seed(0)
    if keras.backend.backend() != "tensorflow":
        aliases.install(tensorflow_names.build(gradient_tape=object))
    models: list[Any] = []
    compile_model = keras.Model.compile

    def compile_and_keep(self: Any, *args: Any, **kwargs: Any) -> None:
        models.append(self)
        compile_model(self, *args, **kwargs)

    asked: dict[str, Any] = {}
    real_fit = keras.Model.fit
    keras.Model.compile = compile_and_keep
    keras.Model.fit = lambda self, *args, **kwargs: asked.update(kwargs)
    keras.Model.evaluate = lambda self, *args, **kwargs: (0.0, 0.0)
    stand_ins(notes)
    exec(compile(script.read_text(encoding="utf-8"), script.name, "exec"), {"__name__": "__main__"})
    keras.Model.fit, keras.Model.compile = real_fit, compile_model
    return models[-1], asked


def stand_ins(notes: list[str]) -> None:
    """Seeded random weights where ImageNet's are not on disk, and zeros for data sets that would be downloaded."""
    import keras
    import numpy as np

    def loads(shape: tuple[int, ...], tests: int) -> Any:
        data = tuple((np.zeros((n, *shape), "uint8"), np.arange(n) % 10) for n in (60_000, tests))
        return lambda *args, **kwargs: data

    keras.datasets.mnist.load_data = loads((28, 28), 10_000)
    original = keras.applications.VGG16
    on_disk = list(Path("~/.keras/models").expanduser().glob("vgg16_*notop*"))

    def vgg16(*args: Any, **kwargs: Any) -> Any:
        if not on_disk:
            notes.append("imagenet weights are not on disk: seeded random ones")
            kwargs["weights"] = None
        return original(*args, **kwargs)

    for name in ("keras.applications", "keras._tf_keras.keras.applications", "keras.applications.vgg16"):
        module = sys.modules.get(name) or __import__(name, fromlist=["VGG16"])
        module.VGG16 = vgg16
    tf_datasets = __import__("keras._tf_keras.keras.datasets.mnist", fromlist=["load_data"])
    tf_datasets.load_data = keras.datasets.mnist.load_data


def median_step_s(model: Any, batch: int, samples: int) -> float:
    """The median time of a training step of one epoch; the first step builds and is left out."""
    import keras

    x, y = synthetic(model, samples)
    ends: list[float] = []
    starts: list[float] = []
    timer = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda step, logs: starts.append(time.perf_counter()),
        on_train_batch_end=lambda step, logs: ends.append(time.perf_counter()),
    )
    model.fit(x, y, batch_size=batch, epochs=1, verbose=0, callbacks=[timer])
    times = sorted(end - start for start, end in zip(starts, ends, strict=True))
    kept = times[:-1] if len(times) > 1 else times  # the longest is the first, which builds the model
    return kept[len(kept) // 2]


def synthetic(model: Any, samples: int) -> tuple[Any, Any]:
    """Random inputs of a model's shape and labels of its outputs' kind."""
    import numpy as np

    rng = np.random.default_rng(0)
    shape = [samples if i == 0 else (size or STEPS) for i, size in enumerate(model.input_shape)]
    classes = model.output_shape[-1]
    labels = np.eye(classes)[np.arange(samples) % classes] if classes > 1 else np.arange(samples)[:, None] % 2
    return rng.random(shape, dtype=np.float32), labels


# --- the parent: all scripts, beside their predictions ------------------------------------------------------------


def report() -> None:
    """Print the table of all five scripts."""
    from whichgpu.capturing import capture
    from whichgpu.capturing.request import CaptureRequest
    from whichgpu.catalog.this_cpu import this_cpu
    from whichgpu.explaining.quantities import duration
    from whichgpu.predicting import predict
    from whichgpu.predicting.coefficients import shipped
    from whichgpu.units import format_si

    family = shipped().cpu_family()
    cpu = this_cpu(family.utilization["fp32"], family.bandwidth)
    print(f"{cpu.name}, {cpu.figure('multiprocessors'):.0f} cores; ", end="")
    print(
        f"probe: {format_si(cpu.figure('fp32_flops_per_s') * family.utilization['fp32'], 'FLOPS')} of products, ",
        end="",
    )
    print(f"{format_si(cpu.figure('memory_bytes_per_s') * family.bandwidth, 'B/s')} of copies\n")
    print("| script | batch | measured step | predicted step | 80 % interval | predicted / measured |")
    print("|---|---|---|---|---|---|")
    notes: list[str] = []
    for name in EXAMPLES:
        script = ROOT / "examples" / f"{name}.py"
        done = subprocess.run([sys.executable, __file__, str(script)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{name}: {done.stderr.strip().splitlines()[-1]}")
        measured = json.loads(done.stdout.splitlines()[-1])
        notes += measured["notes"]
        request = CaptureRequest(
            phase="train", batch_size=measured["batch"], sequence_length=STEPS, stack="keras-torch"
        )
        latency = predict(capture(str(script), request), [cpu])[0].latency_s
        print(
            f"| {name}.py | {measured['batch']} | {duration(measured['step_s'])} | {duration(latency.mid)} "
            f"| {duration(latency.low)} – {duration(latency.high)} "
            f"| {latency.mid / measured['step_s']:.2f} |"
        )
    for note in dict.fromkeys(notes):
        print(f"\n{note}")


if __name__ == "__main__":
    main()
