"""What the OpenAPI document says of bodies, queries and errors: made from the keys of requirements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from whichgpu.answering.schemas import QUESTION, WORKLOAD
from whichgpu.catalog import default_catalog
from whichgpu.explaining import LANGUAGES
from whichgpu.server.problems import MEDIA_TYPE
from whichgpu.zoo import CATEGORIES

MOST_COMPARED: Final = 12
"""GPUs that stand side by side at most."""

_CAPTURE: Final = {"type": "object", "description": "A document whichgpu/capture/1, instead of a source."}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    body = {"schema": schema, "example": {"source": "resnet50"}}
    return {"requestBody": {"required": True, "content": {"application/json": body}}}


_ONE_SOURCE: Final = {"not": {"required": ["source", "capture"]}}


_QUESTION: Final[dict[str, Any]] = {**QUESTION, "capture": _CAPTURE}

_ONE_WORK: Final = {
    "not": {
        "anyOf": [
            {"required": pair} for pair in (["source", "capture"], ["workloads", "source"], ["workloads", "workload"])
        ]
    }
}

RECOMMEND: Final = _json({"type": "object", "additionalProperties": False, "properties": _QUESTION, **_ONE_WORK})

ESTIMATE: Final = _json(
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **{name: _QUESTION[name] for name in ("source", "gpus", "schema", "capture")},
            "workload": WORKLOAD,
        },
        **_ONE_SOURCE,
    }
)

UPLOAD: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
                }
            }
        },
    }
}

_PROBLEM: Final = {
    "description": "A problem document (RFC 9457) with the program's own code.",
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "required": ["schema", "code", "message", "type", "title", "status", "detail"],
                "properties": {
                    "schema": {"const": "whichgpu/error/1"},
                    "status": {"type": "integer"},
                    **{name: {"type": "string"} for name in ("code", "message", "type", "title", "detail")},
                    **{name: {"type": ["string", "null"]} for name in ("field", "hint", "pointer", "instance")},
                },
            }
        }
    },
}

PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {"4XX": _PROBLEM, "5XX": _PROBLEM}


def document(name: str, *members: str) -> dict[int | str, dict[str, Any]]:
    """The answer of a route: a document of this schema, and the members that it always has."""
    schema = {
        "type": "object",
        "required": ["schema", *members],
        "properties": {"schema": {"const": name}},
    }
    return {200: {"description": f"The document {name}.", "content": {"application/json": {"schema": schema}}}}


_GPU: Final[dict[str, Any]] = {"type": "string", "enum": [gpu.id for gpu in default_catalog().gpus]}
_TEXT: Final = {"type": "string"}


def _one_of(names: Iterable[str]) -> dict[str, Any]:
    """One of the names, or nothing, as a form leaves it."""
    return {"type": "string", "enum": ["", *names]}


_OF_QUERY: Final[dict[str, dict[str, Any]]] = {
    # what a route calls a key: its name where that is another, whether it must be there, its schema
    "gpus": {"name": "gpu", "required": False, "schema": {"type": "array", "items": _GPU}},
    "compared": {
        "name": "gpu",
        "required": True,
        "schema": {"type": "array", "items": _GPU, "minItems": 1, "maxItems": MOST_COMPARED},
    },
    "gpu": {"name": "gpu", "required": False, "schema": _one_of(_GPU["enum"])},
    "category": {"name": "category", "required": False, "schema": _one_of(CATEGORIES)},
    "lang": {"name": "lang", "required": False, "schema": _one_of(LANGUAGES)},
}


def query(**texts: str) -> dict[str, Any]:
    """Keys of the query, each with a sentence on it."""
    return {
        "parameters": [
            {
                "in": "query",
                "description": text,
                **_OF_QUERY.get(name, {"name": name, "required": False, "schema": _TEXT}),
            }
            for name, text in texts.items()
        ]
    }
