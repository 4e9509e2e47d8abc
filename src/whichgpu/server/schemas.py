"""What the OpenAPI document says of bodies, queries and errors: made from the keys of requirements."""

from __future__ import annotations

from typing import Any, Final

from whichgpu.answering.schemas import QUESTION, WORKLOAD
from whichgpu.server.problems import MEDIA_TYPE

_CAPTURE: Final = {"type": "object", "description": "A document whichgpu/capture/1, instead of a source."}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


_QUESTION: Final[dict[str, Any]] = {**QUESTION, "capture": _CAPTURE}

RECOMMEND: Final = _json({"type": "object", "additionalProperties": False, "properties": _QUESTION})

ESTIMATE: Final = _json(
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **{name: _QUESTION[name] for name in ("source", "gpus", "schema", "capture")},
            "workload": WORKLOAD,
        },
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

PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    "4XX": {
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
}


def query(**texts: str) -> dict[str, Any]:
    """Keys of the query, each optional, with a sentence on it."""
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": False,
                "description": text,
                "schema": {"type": "array", "items": {"type": "string"}} if name == "gpu" else {"type": "string"},
            }
            for name, text in texts.items()
        ]
    }
