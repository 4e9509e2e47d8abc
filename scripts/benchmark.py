"""The figures of docs/performance.md, measured: start-up, recommendation, ranking, memory of a capture.

    python scripts/benchmark.py

Each figure is the median of several runs beside its ceiling. Nothing here is a test: machines differ.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
WHICHGPU = [str(Path(sys.executable).parent / "whichgpu")]
RUNS = 7


def median_s(work: Callable[[], object], runs: int = RUNS) -> float:
    """Median seconds of ``work``."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def command(*arguments: str, cache: str) -> Callable[[], object]:
    """A run of the program in a process of its own, with its cache in ``cache``."""
    environment = {**os.environ, "XDG_CACHE_HOME": cache}
    return lambda: subprocess.run(
        [*WHICHGPU, *arguments], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )


def row(what: str, value: str, ceiling: str) -> None:
    """One line of the table."""
    print(f"| {what} | {value} | {ceiling} |", flush=True)


def main() -> None:
    """Measure and print the table."""
    print("| what | median | at most |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as cache:
        for words in (("gpus",), ("gpus", "show", "rtx-3090"), ("--help",)):
            seconds = median_s(command(*words, cache=cache))
            row(f"`whichgpu {' '.join(words)}`", f"{seconds:.3f} s", "0.25 s")
    with tempfile.TemporaryDirectory() as cache:
        recommend = command("recommend", "examples/lstm.py", cache=cache)
        row("`whichgpu recommend examples/lstm.py`, cold", f"{median_s(recommend, 1):.2f} s", "8 s")
        row("the same, its capture cached", f"{median_s(recommend):.2f} s", "0.5 s")
    row("a captured workload ranked on the whole catalogue, in process", f"{1e3 * ranking_s():.1f} ms", "15 ms")
    again_s, first_s = requirements_s()
    row("what requirements of every kind add to that", f"{1e3 * again_s:.1f} ms", "5 ms")
    row("the same, of a room and a power limit that were not asked before", f"{1e3 * first_s:.1f} ms", "5 ms")
    large_models()
    peak = peak_mb("capture", "examples/vgg16_transfer.py")
    row("peak memory of a capture (vgg16_transfer.py)", f"{peak:.0f} MB", "700 MB")
    row("operator–GPU costs on one core", f"{costs_per_s() / 1e6:.1f} million/s", "(at least 5)")


LLAMA_3_70B = {
    "model_type": "llama",
    "hidden_size": 8192,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "intermediate_size": 28672,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
}


def large_models() -> None:
    """Models that no machine like this one could hold, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.json").write_text(json.dumps(LLAMA_3_70B))
        prefill = ("--phase", "generate", "--step", "prefill", "--sequence-length", "2048", "--batch-size", "1")
        seconds = median_s(command("capture", folder, *prefill, cache=folder))
        row(
            "Llama 3 70B from its `config.json`: prefill of 2,048 tokens, new process, no cache",
            f"{seconds:.2f} s",
            "3 s",
        )
        # The same cache again: what the first runs kept is found.
        seconds = median_s(command("capture", folder, *prefill, cache=folder))
        row("the same, its cache warm", f"{seconds:.2f} s", "0.3 s")
    words = ("capture", "llama-3.1-405b", "--phase", "generate")
    with tempfile.TemporaryDirectory() as cache:
        row("peak memory of `whichgpu capture llama-3.1-405b --phase generate`", f"{peak_mb(*words):.0f} MB", "700 MB")
        for name in ("resnet50", "llama-3-8b"):
            seconds = median_s(command("recommend", name, cache=cache))
            row(f"`whichgpu recommend {name}`, new process", f"{seconds:.2f} s", "0.5 s")
        generation = command("recommend", "llama-3-8b", "--phase", "generate", cache=cache)
        row("the same with `--phase generate`: four stages", f"{median_s(generation):.2f} s", "")
        if importlib.util.find_spec("onnx") is not None:
            path = Path(cache, "large.onnx")
            # In a process of its own: a child's peak starts at what its parent holds.
            writer = multiprocessing.get_context("spawn").Process(target=write_onnx, args=(path, 30, 2048))
            writer.start()
            writer.join()
            row(
                f"ONNX of {path.stat().st_size / 1e6:.0f} MB",
                f"{median_s(command('capture', str(path), cache=cache), 3):.2f} s",
                "3 s",
            )
            row("its peak memory", f"{peak_mb('capture', str(path)):.0f} MB", "(no weights)")


def peak_mb(*arguments: str) -> float:
    """Peak resident memory of one run of the program and of what it starts, with no cache."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "XDG_CACHE_HOME": cache}
        child = subprocess.Popen([*WHICHGPU, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, env=environment)
        return _peak_mb(child)


def _peak_mb(child: subprocess.Popen[bytes]) -> float:
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, child.args)
    return usage.ru_maxrss / 1024


def write_onnx(path: Path, layers: int, width: int) -> None:
    """A chain of products with FP32 weights inside the file."""
    onnx: Any = importlib.import_module("onnx")
    helper: Any = importlib.import_module("onnx.helper")
    floats = onnx.TensorProto.FLOAT

    weights = b"\0" * (4 * width * width)
    nodes, constants = [], []
    for layer in range(layers):
        nodes.append(helper.make_node("MatMul", [f"x{layer}", f"w{layer}"], [f"x{layer + 1}"]))
        constants.append(helper.make_tensor(f"w{layer}", floats, [width, width], weights, raw=True))
    ends = [helper.make_tensor_value_info(name, floats, [8, width]) for name in ("x0", f"x{layers}")]
    onnx.save(helper.make_model(helper.make_graph(nodes, "chain", ends[:1], ends[1:], constants)), str(path))


def ranking_s() -> float:
    """Seconds of judging and ranking the captured LSTM on every entry of the catalogue."""
    from whichgpu.capturing import capture
    from whichgpu.capturing.request import CaptureRequest
    from whichgpu.catalog import default_catalog
    from whichgpu.recommending import Question, recommend

    workload = capture(str(ROOT / "examples" / "lstm.py"), CaptureRequest())
    catalog = default_catalog()
    recommend(workload, catalog, Question())
    return median_s(lambda: recommend(workload, catalog, Question()), 21)


EVERY_REQUIREMENT: dict[str, Any] = {
    "vendors": ["NVIDIA"],
    "speed": {"max_latency": "500 ms", "latency_percentile": 99, "min_throughput": 10, "finish_within": "48 h"},
    "memory": {"min_memory": "4 GB"},
    "place": {
        "kind": "desk",
        "max_power": "400 W",
        "max_length": "330 mm",
        "max_slots": 3,
        "power_connectors": ["8-pin", "8-pin", "8-pin"],
        "power_supply": "850 W",
        "outlet": "100 V 15 A",
        "pcie_generation": 4,
        "pcie_lanes": 8,
    },
    "heat": {"power_limit": "250 W", "cooling": "case", "room": "28 C"},
    "software": {"os": "linux", "backend": "cuda", "support": ["official"], "until": "2026-12"},
    "money": {"budget": "200000 JPY", "acquire": ["new", "used"], "hours_a_day": 4, "electricity": "31 JPY/kWh"},
    "input": {"sample_size": "110 kB", "decode": "jpeg", "cpu_cores": 8, "disk": "500 MB/s"},
}


def requirements_s() -> tuple[float, float]:
    """Seconds that requirements of every kind add to a ranking: asked again, and of a room that is new each time.

    Processor time, all measured in turn: what boards do in a room is kept for the next question of it.
    """
    from whichgpu.asking.reading import asked
    from whichgpu.capturing import capture
    from whichgpu.capturing.request import CaptureRequest
    from whichgpu.catalog import default_catalog
    from whichgpu.recommending import Question, recommend

    def every(room: str) -> Question:
        document = {**EVERY_REQUIREMENT, "heat": {**EVERY_REQUIREMENT["heat"], "room": room}}
        return Question(requirements=asked(document).requirements, currency="JPY")

    workload = capture(str(ROOT / "examples" / "lstm.py"), CaptureRequest(samples=60000, epochs=10))
    catalog = default_catalog()
    times: list[list[float]] = [[], [], []]
    for turn in range(41):
        for question, found in zip((Question(), every("28 C"), every(f"{30 + turn / 10} C")), times, strict=True):
            start = time.process_time()
            recommend(workload, catalog, question)
            found.append(time.process_time() - start)
    bare, again, first = (statistics.median(found[1:]) for found in times)
    return again - bare, first - bare


def costs_per_s() -> float:
    """Operators times GPUs predicted a second."""
    from whichgpu.capturing import capture
    from whichgpu.capturing.request import CaptureRequest
    from whichgpu.catalog import default_catalog
    from whichgpu.costing import cost_table, resolve
    from whichgpu.predicting.coefficients import shipped
    from whichgpu.predicting.hardware import arrays
    from whichgpu.predicting.latency import times
    from whichgpu.stack import stack

    workload = capture(str(ROOT / "examples" / "vgg16_transfer.py"), CaptureRequest())
    gpus = default_catalog().gpus
    table = cost_table(workload)
    hardware = arrays(gpus, [resolve(workload, gpu) for gpu in gpus], shipped(), None)
    seconds = median_s(lambda: times(table, hardware, stack(workload.stack), shipped().form), 21)
    return len(table) * len(gpus) / seconds


if __name__ == "__main__":
    main()
