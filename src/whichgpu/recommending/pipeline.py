"""What feeds the GPU: samples a second that a disk and a processor's cores deliver, and a step that waits for them."""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from whichgpu.errors import UnknownName, nearest
from whichgpu.estimate import Bound, Estimate, Interval
from whichgpu.requirement import Pipeline
from whichgpu.workload import Workload


@functools.cache
def decoders() -> Mapping[str, Any]:
    """How fast one core decodes each kind of sample: bytes of the file a second, with what was measured."""
    text = resources.files("whichgpu.catalog").joinpath("decoders.toml").read_text(encoding="utf-8")
    found: Mapping[str, Any] = tomllib.loads(text)["decoder"]
    return found


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """Samples a second that can be delivered, and what limits them: ``disk`` or ``cpu``."""

    samples_per_s: float
    limit: str


def feed(pipeline: Pipeline) -> Feed | None:
    """What the pipeline delivers at most, or None where nothing in it is known to limit; raises UnknownName."""
    found = []
    if pipeline.disk_bytes_per_s is not None:
        found.append(Feed(samples_per_s=pipeline.disk_bytes_per_s / pipeline.sample_bytes, limit="disk"))
    if pipeline.decode != "none" and pipeline.cpu_cores is not None:
        rate = _decoder(pipeline.decode)["bytes_per_s"] * pipeline.cpu_cores
        found.append(Feed(samples_per_s=rate / pipeline.sample_bytes, limit="cpu"))
    return min(found, key=lambda each: each.samples_per_s, default=None)


def _decoder(name: str) -> Mapping[str, Any]:
    table = decoders()
    if name not in table:
        close = nearest(name, table)
        raise UnknownName(
            "there is no decoder {name!r}",
            name=name,
            close=close or "",
            known=", ".join(table),
            field="decode",
            hint="did you mean {close!r}?" if close else "decoders: {known}",
        )
    found: Mapping[str, Any] = table[name]
    return found


def fed(estimate: Estimate, workload: Workload, limit: Feed) -> Estimate:
    """The estimate of a step that waits for its samples, or as it is where the GPU is the slower."""
    waited_s = workload.samples_a_step / limit.samples_per_s
    if waited_s <= estimate.latency_s.mid:
        return estimate
    latency = _at_least(estimate.latency_s, waited_s)
    scale = latency.mid / estimate.latency_s.mid
    finish = estimate.time_to_finish_s
    return dataclasses.replace(
        estimate,
        latency_s=latency,
        throughput_per_s=estimate.throughput_per_s.scaled(1.0 / scale),
        time_to_finish_s=None if finish is None else finish.scaled(scale),
        bound=Bound.INPUT,
    )


def _at_least(found: Interval, least_s: float) -> Interval:
    return Interval(
        low=max(found.low, least_s),
        mid=max(found.mid, least_s),
        high=max(found.high, least_s),
        confidence=found.confidence,
    )
