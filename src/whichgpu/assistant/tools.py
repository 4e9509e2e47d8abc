"""The tools: each a name, what it is for, what it takes, and what answers it with a document and its text."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from whichgpu import documents
from whichgpu.answering import Answering, Ask
from whichgpu.answering.schemas import REQUIREMENTS, WORKLOAD
from whichgpu.asking.question import entry
from whichgpu.assistant import texts
from whichgpu.assistant.sources import is_file, read
from whichgpu.errors import InvalidValue, UnknownName
from whichgpu.explaining import LANGUAGES
from whichgpu.gpu import Gpu
from whichgpu.guiding.topics import TOPICS
from whichgpu.reporting.text import markdown

MOST_GPUS: Final = 12
"""GPUs that one call estimates or compares."""

_SHOWN: Final = 5
_MOST_SHOWN: Final = 50

Arguments = Mapping[str, Any]
Answer = tuple[dict[str, Any], str]
"""The document of an answer, and the same to read out."""

_LANGUAGE: Final = {"type": "string", "enum": list(LANGUAGES), "description": "Language of the text; en or ja."}
_SOURCE: Final = {
    "type": "string",
    "description": "A built-in model by its name (resnet50, bert-base, llama-3-8b, …), or the path of a model file "
    "(.keras, .h5, .onnx, .gguf, .safetensors, config.json, a saved capture). Never a program.",
}
_TOPIC: Final = {"type": "string", "enum": list(TOPICS), "description": "A topic of the guide, instead of a source."}
_GPU: Final = {"type": "string", "description": "A GPU by its id or exact name: rtx-4090, h100-sxm5-80gb."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool as it is offered; ``properties`` are JSON Schema, ``answer`` takes what was given under them."""

    name: str
    description: str
    properties: Mapping[str, Any]
    required: tuple[str, ...]
    answer: Callable[[Answering, Arguments], Answer]

    def schema(self) -> dict[str, Any]:
        """The schema of what the tool takes."""
        return {
            "type": "object",
            "additionalProperties": False,
            "required": list(self.required),
            "properties": {**self.properties, "language": _LANGUAGE},
        }

    def check(self, given: Arguments) -> None:
        """Raises UnknownName for a name that the tool does not take, InvalidValue for one that it lacks."""
        known = [*self.properties, "language"]
        for name in given:
            if name not in known:
                raise UnknownName(
                    "{tool} takes no {name!r}",
                    tool=self.name,
                    name=str(name)[:80],
                    known=", ".join(known),
                    field=str(name)[:80],
                    hint="keys: {known}",
                )
        for name in self.required:
            if name not in given:
                raise InvalidValue("{tool} needs {name!r}", tool=self.name, name=name, field=name)


def _ask(given: Arguments) -> Ask:
    """What was given as a document; a file is read, a built-in model is kept between calls."""
    source = given.get("source")
    document = {name: value for name, value in given.items() if name not in ("language", "shown")}
    return Ask(document=document, read=read if isinstance(source, str) and is_file(source) else None)


def _recommend(answering: Answering, given: Arguments) -> Answer:
    most = _shown(given.get("shown", _SHOWN))
    answer, _currency = answering.recommend(_ask(given))
    few = dataclasses.replace(answer, ranked=answer.ranked[:most], rejected=answer.rejected[:most])
    counts = {"ranked_count": len(answer.ranked), "rejected_count": len(answer.rejected)}
    return {**few.document(), **counts}, markdown(answer, most)


def _shown(given: Any) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= _MOST_SHOWN:
        raise InvalidValue("shown must be a whole number from 1 to {most}", most=_MOST_SHOWN, field="shown")
    return given


def _estimate(answering: Answering, given: Arguments) -> Answer:
    entries = _gpus(answering, given["gpus"])
    found = answering.estimates(_ask({**given, "gpus": [each.id for each in entries]}))
    return found.document(), texts.estimates(found)


def _gpus(answering: Answering, given: Any) -> list[Gpu]:
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not 1 <= len(names) <= MOST_GPUS or not all(isinstance(n, str) for n in names):
        raise InvalidValue("gpus must be a list of 1 to {most} names", most=MOST_GPUS, field="gpus")
    return list({found.id: found for found in (entry(name, answering.catalog, "gpus") for name in names)}.values())


def _compare(answering: Answering, given: Arguments) -> Answer:
    from whichgpu.recommending import reference_estimates
    from whichgpu.zoo import reference_workloads

    entries = _gpus(answering, given["gpus"])
    times = reference_estimates(reference_workloads(), entries)
    return documents.comparison(entries, answering.catalog, times), texts.compared(entries, times)


def _figures(answering: Answering, given: Arguments) -> Answer:
    found = _gpu(answering, given["gpu"])
    return documents.gpu(found, answering.catalog), texts.figures(found)


def _explain(answering: Answering, given: Arguments) -> Answer:
    if ("source" in given) == ("topic" in given):
        raise InvalidValue("explain needs a source or a topic, one of them", field="source")
    if "topic" in given:
        return _topic(answering, given)
    chosen = {"gpus": [_gpu(answering, given["gpu"]).id]} if "gpu" in given else {}
    rest = {name: value for name, value in given.items() if name != "gpu"}
    found = answering.explain(_ask({**rest, **chosen}))
    return found.document(), texts.read_out(found.blocks)


def _topic(answering: Answering, given: Arguments) -> Answer:
    """A topic of the guide, with the figures of the GPU that is named."""
    from whichgpu.guiding import USUAL_GPU, Reader, page

    if not isinstance(given["topic"], str) or "workload" in given:
        raise InvalidValue("topic must be the name of one, without a workload", field="topic")
    reader = Reader(gpu=_gpu(answering, given.get("gpu", USUAL_GPU)), catalog=answering.catalog)
    found = page(given["topic"], reader)
    return found.document(), texts.read_out(found.blocks)


def _gpu(answering: Answering, given: Any) -> Gpu:
    if not isinstance(given, str):
        raise InvalidValue("gpu must be the name of one", field="gpu")
    return entry(given, answering.catalog, "gpu")


TOOLS: Final[tuple[Tool, ...]] = (
    Tool(
        name="recommend_gpu",
        description="Which GPU to buy or rent for a model: every GPU ranked with reasons, or rejected with the "
        "requirement that it fails and what would change that. Predictions come with ranges; nothing is looked up "
        "on a network.",
        properties={
            **REQUIREMENTS,
            "source": _SOURCE,
            "shown": {
                "type": "integer",
                "minimum": 1,
                "maximum": _MOST_SHOWN,
                "default": _SHOWN,
                "description": "How many ranked and how many rejected GPUs are told.",
            },
        },
        required=("source",),
        answer=_recommend,
    ),
    Tool(
        name="estimate",
        description="Time, memory, power and energy of a model on GPUs that are named, each with its range, "
        "without judging them.",
        properties={
            "source": _SOURCE,
            "gpus": {"type": "array", "items": _GPU, "minItems": 1, "maxItems": MOST_GPUS},
            "workload": WORKLOAD,
        },
        required=("source", "gpus"),
        answer=_estimate,
    ),
    Tool(
        name="compare_gpus",
        description="GPUs side by side: their figures, and the predicted and measured times of reference workloads.",
        properties={"gpus": {"type": "array", "items": _GPU, "minItems": 1, "maxItems": MOST_GPUS}},
        required=("gpus",),
        answer=_compare,
    ),
    Tool(
        name="gpu_figures",
        description="Every figure of one GPU with the datasheet that it is quoted from, its dated prices, and the "
        "software that runs on it.",
        properties={"gpu": _GPU},
        required=("gpu",),
        answer=_figures,
    ),
    Tool(
        name="explain",
        description="Why a GPU takes as long as it does for a model (source): where the time goes, what limits it, "
        "what would shorten it, and topics of the guide to read on in. Or one of those topics (topic) with the "
        "figures of a GPU: how networks and GPUs work. Give one of the two.",
        properties={"source": _SOURCE, "topic": _TOPIC, "gpu": _GPU, "workload": WORKLOAD},
        required=(),
        answer=_explain,
    ),
)
