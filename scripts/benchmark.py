"""The figures of docs/performance.md, measured: start-up, recommendation, ranking, memory of a capture.

    python scripts/benchmark.py

Each figure is the median of several runs beside its ceiling. Nothing here is a test: machines differ.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

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
    with tempfile.TemporaryDirectory() as cache:
        command("capture", "examples/vgg16_transfer.py", cache=cache)()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    row("peak memory of a capture (vgg16_transfer.py)", f"{peak:.0f} MB", "700 MB")
    row("operator–GPU costs on one core", f"{costs_per_s() / 1e6:.1f} million/s", "(at least 5)")


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
