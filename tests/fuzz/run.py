"""Mutations of valid files against every reader: an answer or one clear error, within its time, and nothing else.

``python tests/fuzz/run.py onnx --count 20000``; without a name, all readers. Under ``coverage run --branch`` it tells
how much of a reader the mutations reach. Mutations are drawn by hypothesis, so that a run can be repeated.
"""

from __future__ import annotations

import argparse
import copy
import io
import json
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import format_samples
import json_targets
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from whichgpu.capturing import saved
from whichgpu.capturing.dimensions import Dimensions, Run
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.transformer import scalable_graph
from whichgpu.costing import cost_table
from whichgpu.errors import WhichGpuError
from whichgpu.workload import Workload

SLOWEST_S = 5.0
REQUEST = CaptureRequest(batch_size=2, sequence_length=4)
NUMBERS = (0, 1, -1, 2, 7, 255, 256, 65_535, 2**31 - 1, 2**31, 2**32, 2**40, 2**62, 2**63 - 1, 2**64 - 1)
SCALARS: tuple[Any, ...] = (*NUMBERS, "", "x" * 300, None, True, False, 1.5, 1e308, [], {}, [[]], [0] * 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A reader: valid files, how they are mutated, and what reads one."""

    samples: Callable[[], list[bytes]]
    mutated: Callable[[st.DataObject, bytes], bytes]
    read: Callable[[bytes], Any]


def bytes_mutated(data: st.DataObject, sample: bytes) -> bytes:
    """A few bytes changed, taken out, doubled, overwritten with a telling number, or the end cut off."""
    found = bytearray(sample)
    for _ in range(data.draw(st.sampled_from((1, 1, 1, 2, 4)))):
        if not found:
            break
        at = data.draw(st.integers(0, len(found) - 1))
        way = data.draw(st.sampled_from("flip number take double cut".split()))  # noqa: SIM905
        if way == "flip":
            found[at] ^= data.draw(st.integers(1, 255))
        elif way == "number":
            width = data.draw(st.sampled_from((1, 2, 4, 8)))
            value = data.draw(st.sampled_from(NUMBERS)) % 256**width
            found[at : at + width] = value.to_bytes(width, data.draw(st.sampled_from(("little", "big"))))
        elif way == "take":
            del found[at : at + data.draw(st.integers(1, 40))]
        elif way == "double":
            found[at:at] = found[at : at + data.draw(st.integers(1, 40))]
        elif data.draw(st.integers(0, 3)) == 0:
            del found[at:]
    return bytes(found)


def json_mutated(data: st.DataObject, document: Any) -> Any:
    """One or two values of a document replaced, taken out, or nested deeper."""
    for _ in range(data.draw(st.integers(1, 2))):
        places = list(_places(document))
        if not places:
            return document
        holder, key = data.draw(st.sampled_from(places))
        way = data.draw(st.integers(0, 5))
        if way == 0:
            del holder[key]
        elif way == 1:
            holder[key] = [holder[key]]
        elif way == 2 and isinstance(holder[key], int):
            holder[key] += data.draw(st.integers(-3, 3))
        else:
            holder[key] = copy.deepcopy(data.draw(st.sampled_from(SCALARS)))
    return document


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from _places(inner)


def either(structured: Callable[[st.DataObject, bytes], bytes]) -> Callable[[st.DataObject, bytes], bytes]:
    """Mutations of the structure and of the bytes, in turn."""

    def mutated(data: st.DataObject, sample: bytes) -> bytes:
        return (structured if data.draw(st.booleans()) else bytes_mutated)(data, sample)

    return mutated


SCRATCH = Path(tempfile.mkdtemp(prefix="whichgpu-fuzz-"))


def _file(name: str, data: bytes) -> str:
    path = SCRATCH / name
    path.write_bytes(data)
    return str(path)


def _costed(workload: Workload) -> None:
    cost_table(workload, allow_uncovered=True)


def _gguf(data: bytes) -> None:
    from whichgpu.capturing.gguf_models import read

    _costed(read(_file("model.gguf", data), REQUEST))


def _gguf_samples() -> list[bytes]:
    return [*format_samples.gguf_variety(), format_samples.llama_gguf()]


def _safetensors(data: bytes) -> None:
    """The first half is config.json, up to a zero byte; the rest the tensors."""
    from whichgpu.capturing.safetensors_header import read

    config, _, tensors = data.partition(b"\0\0\0\0SPLIT")
    _file("config.json", config)
    _file("model.safetensors", tensors)
    _file("model.safetensors.index.json", b'{"weight_map": {"a": "model.safetensors"}}')
    _costed(read(str(SCRATCH / "model.safetensors"), REQUEST))


def _safetensors_samples() -> list[bytes]:
    tensors = format_samples.safetensors({"model.embed_tokens.weight": (8, 4), "norm.weight": (4,)})
    return [json.dumps(config).encode() + b"\0\0\0\0SPLIT" + tensors for config in format_samples.configs()]


def _safetensors_mutated(data: st.DataObject, sample: bytes) -> bytes:
    config, split, tensors = sample.partition(b"\0\0\0\0SPLIT")
    if data.draw(st.booleans()):
        return json.dumps(json_mutated(data, json.loads(config))).encode() + split + tensors
    length = int.from_bytes(tensors[:8], "little")
    header = json.dumps(json_mutated(data, json.loads(tensors[8 : 8 + length]))).encode()
    return config + split + len(header).to_bytes(8, "little") + header + tensors[8 + length :]


def _keras(data: bytes) -> None:
    from whichgpu.capturing.keras_files.configuration import load
    from whichgpu.capturing.keras_files.reading import script

    found = load(Path(_file("model.keras", data)))
    compile(script(found), "model.py", "exec")


def _keras_mutated(data: st.DataObject, sample: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(sample)) as archive:
        config = json.loads(archive.read("config.json"))
    return format_samples.keras_archive(json_mutated(data, config))


def _keras_samples() -> list[bytes]:
    return [format_samples.keras_archive(config) for config in format_samples.keras_configs()]


def _hdf5(data: bytes) -> None:
    from whichgpu.capturing.keras_files.configuration import load

    load(Path(_file("model.h5", data)))


def _hdf5_samples() -> list[bytes]:
    return format_samples.hdf5_files()


def _saved(data: bytes) -> None:
    _costed(saved.adjusted(saved.load(data, "capture.json"), CaptureRequest(batch_size=3)))


def _saved_samples() -> list[bytes]:
    sizes: dict[str, Any] = {"hidden": 8, "layers": 1, "heads": 2, "kv_heads": 1, "head_size": 4, "feed_forward": 8}
    found = []
    for more in ({}, {"experts": 4, "top_k": 2}):
        graph = scalable_graph(Dimensions(**sizes, vocabulary=16, **more), Run(batch_size=2, tokens=4, train=True))
        workload = Workload(name="w", graph=graph, phase="train", step="full", batch_size=2, optimizer="adam")
        found.append(json.dumps(saved.document(workload)).encode())
    return [*found, format_samples.zipped_json(json.loads(found[0])), *format_samples.captures()]


def _saved_mutated(data: st.DataObject, sample: bytes) -> bytes:
    """The hash is made again for most, so that what lies behind it is reached."""
    if sample[:1] != b"{":
        return bytes_mutated(data, sample)
    document = json_mutated(data, json.loads(sample))
    return format_samples.rehashed(document) if data.draw(st.integers(0, 9)) else json.dumps(document).encode()


def _onnx(data: bytes) -> None:
    from whichgpu.capturing.onnx.loading import load
    from whichgpu.capturing.onnx.reading import workload

    _costed(workload(load(Path(_file("model.onnx", data))), "model", CaptureRequest(sequence_length=4)))


def _onnx_samples() -> list[bytes]:
    import onnx_samples

    return onnx_samples.models()


def _onnx_mutated(data: st.DataObject, sample: bytes) -> bytes:
    import onnx_mutations

    return onnx_mutations.mutated(data, sample)


def _document_mutated(data: st.DataObject, sample: bytes) -> bytes:
    return json.dumps(json_mutated(data, json.loads(sample))).encode()


TARGETS: Mapping[str, Target] = {
    "configuration": Target(
        samples=json_targets.configurations, mutated=_document_mutated, read=json_targets.read_configuration
    ),
    "pipeline": Target(samples=json_targets.pipelines, mutated=_document_mutated, read=json_targets.read_pipeline),
    "notebook": Target(
        samples=json_targets.notebooks, mutated=either(_document_mutated), read=json_targets.read_notebook
    ),
    "gguf": Target(samples=_gguf_samples, mutated=bytes_mutated, read=_gguf),
    "safetensors": Target(samples=_safetensors_samples, mutated=either(_safetensors_mutated), read=_safetensors),
    "keras": Target(samples=_keras_samples, mutated=either(_keras_mutated), read=_keras),
    "hdf5": Target(samples=_hdf5_samples, mutated=bytes_mutated, read=_hdf5),
    "saved": Target(samples=_saved_samples, mutated=either(_saved_mutated), read=_saved),
    "onnx": Target(samples=_onnx_samples, mutated=either(_onnx_mutated), read=_onnx),
}


def fuzz(name: str, count: int) -> tuple[Counter[str], list[str]]:
    """How ``count`` mutations of a reader's files ended, and the first of each kind that ended badly."""
    target = TARGETS[name]
    samples = target.samples()
    ends: Counter[str] = Counter()
    bad: dict[str, str] = {}
    for sample in samples:
        _once(target, sample, ends, bad)

    @settings(
        max_examples=count,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def attempt(data: st.DataObject) -> None:
        _once(target, target.mutated(data, data.draw(st.sampled_from(samples))), ends, bad)

    attempt()
    return ends, [f"{what}: kept in {where}" for what, where in bad.items()]


def _once(target: Target, sample: bytes, ends: Counter[str], bad: dict[str, str]) -> None:
    start = time.perf_counter()
    try:
        target.read(sample)
        end = "read"
    except WhichGpuError as error:
        end = error.code
        if "\n" in error.message:
            end = "several lines"
    except Exception as error:  # noqa: BLE001  whatever else is raised is a fault of the reader
        end = f"{type(error).__name__}: {str(error)[:100]} at {_place(error)}"
    if time.perf_counter() - start > SLOWEST_S:
        end = f"too slow ({end[:40]})"
    ends[end] += 1
    if end not in GOOD and end not in bad:
        path = SCRATCH / f"found-{len(bad)}"
        path.write_bytes(sample)
        bad[end] = str(path)


GOOD = frozenset(
    {"read", "source_unreadable", "source_not_found", "untraceable", "invalid_value", "unknown_name", "uncovered"}
)


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def main() -> int:
    """Run what the command line names; 1 where something ended badly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readers", nargs="*", choices=[*TARGETS, []], help="readers; all of them where none is named")
    parser.add_argument("--count", type=int, default=1_000, help="mutations of each reader's files")
    given_ = parser.parse_args()
    failed = 0
    for name in given_.readers or TARGETS:
        start = time.perf_counter()
        ends, bad = fuzz(name, given_.count)
        seconds = time.perf_counter() - start
        print(f"{name}: {sum(ends.values())} files in {seconds:.0f} s: {dict(ends.most_common(12))}")
        for line in bad:
            print(f"  BAD {line}")
        failed += len(bad)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
