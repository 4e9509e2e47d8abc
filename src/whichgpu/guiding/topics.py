"""The topics of the guide: a name, a text in each language, and what computes its figures."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from whichgpu.errors import MissingFigure, UnknownName, nearest
from whichgpu.explaining import N_, language
from whichgpu.explaining.without_options import has_options
from whichgpu.guiding.figures import catalogue, energy, hardware, memory, networks
from whichgpu.guiding.reader import Reader
from whichgpu.guiding.reading import Block, Findings, blocks

TOPICS: Final[Mapping[str, Callable[[Reader], Findings]]] = {
    "cnn": networks.cnn,
    "rnn": networks.rnn,
    "lstm": networks.lstm,
    "gru": networks.gru,
    "transfer-learning": networks.transfer,
    "gpu-and-cpu": hardware.beside_a_cpu,
    "inside-a-gpu": hardware.inside,
    "simd-and-mimd": hardware.lanes,
    "flops": hardware.precisions,
    "memory": memory.memory,
    "roofline": memory.roofline,
    "architectures": catalogue.architectures,
    "matrix-units": catalogue.matrix_units,
    "ray-tracing": catalogue.rays,
    "power": energy.power,
    "datacenter-and-edge": catalogue.places,
    "cooling": catalogue.cooling,
    "cuda-and-rocm": catalogue.software,
    "choosing": networks.choosing,
    "inference-and-training": networks.phases,
    "benchmarks": networks.benchmark,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A topic in one language for one GPU: its title, blocks, and the figures in them as numbers."""

    topic: str
    title: str
    gpu: str
    language: str
    blocks: tuple[Block, ...]
    figures: Mapping[str, float | int | str]

    def document(self) -> dict[str, Any]:
        """The document ``whichgpu/guide/1``."""
        return {
            "schema": "whichgpu/guide/1",
            "topic": self.topic,
            "title": self.title,
            "gpu": self.gpu,
            "language": self.language,
            "blocks": [block.document() for block in self.blocks],
            "figures": dict(self.figures),
        }


@functools.cache
def text(topic: str, chosen: str) -> str:
    """The text of a topic in a language, figures not filled in."""
    return resources.files("whichgpu.guiding").joinpath("texts", chosen, f"{topic}.md").read_text(encoding="utf-8")


def title(topic: str) -> str:
    """The heading of a topic in the active language."""
    return text(topic, language()).splitlines()[0].lstrip("# ").strip()


def titles() -> Iterator[tuple[str, str]]:
    """Every topic with its heading in the active language, in the order of a first reading."""
    return ((topic, title(topic)) for topic in TOPICS)


def page(topic: str, reader: Reader) -> Page:
    """A topic in the active language, its examples computed for the reader's GPU.

    Raises UnknownName for the topic, MissingFigure where the catalogue lacks a figure that its examples need.
    """
    compute = TOPICS.get(topic)
    if compute is None:
        close = nearest(topic, TOPICS)
        raise UnknownName(
            "the guide has no topic {topic!r}",
            topic=topic,
            close=close or "",
            known=", ".join(TOPICS),
            field="topic",
            hint="did you mean {close!r}?" if close else "topics: {known}",
        )
    try:
        found = compute(reader)
    except MissingFigure as missing:
        raise MissingFigure(
            missing.template,
            field=missing.field,
            hint=N_("read it with the figures of another GPU: --gpu ID")
            if has_options()
            else N_("read it with the figures of another GPU"),
            **missing.values,
        ) from missing
    return Page(
        topic=topic,
        title=title(topic),
        gpu=reader.gpu.id,
        language=language(),
        blocks=tuple(blocks(text(topic, language()), found)),
        figures=found.values,
    )
