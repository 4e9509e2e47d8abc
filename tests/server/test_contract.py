"""Questions drawn from the OpenAPI document: each is answered, or refused with a code and a field; never a fault.

``make check-api`` asks far more, by schemathesis.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.server.asking import Client

from whichgpu.answering.schemas import REQUIREMENTS

CLIENT = Client()
SOURCES = ("resnet50", "gpt2", "lstm", "bert-base", "dcgan-64", "no-such-model")
JUNK = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=9), st.just([]))


def allowed(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a schema of the document allows."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "boolean":
        return st.booleans()
    if schema["type"] == "integer":
        return st.integers(schema["minimum"], int(schema["maximum"]))
    if schema["type"] == "number":
        return st.floats(0, schema["maximum"], exclude_min=True)
    if schema["type"] == "array":
        return st.lists(allowed(schema["items"]), max_size=3)
    if schema["type"] == "object":
        return st.fixed_dictionaries({}, optional={name: allowed(each) for name, each in schema["properties"].items()})
    return st.from_regex(schema["pattern"], fullmatch=schema["pattern"].startswith("^")).filter(bool)


KEYS = {name: allowed(schema) for name, schema in REQUIREMENTS.items() if name not in ("source", "gpus", "vendors")}
few = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@settings(few, max_examples=16)
@given(st.sampled_from(SOURCES), st.data())
def test_a_question_that_the_document_allows_is_answered_or_told_why_not(source: str, data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(KEYS)), max_size=3, unique=True))
    question = {"source": source, **{name: data.draw(KEYS[name]) for name in names}}
    answer = CLIENT.post("/api/v1/recommend", json=question)
    document = answer.json()
    if answer.status_code == 200:
        assert document["schema"] == "whichgpu/recommendation/1"
        assert [row["rank"] for row in document["ranked"]] == list(range(1, len(document["ranked"]) + 1))
    else:
        assert (answer.status_code, document["schema"]) == (422, "whichgpu/error/1"), question
        assert document["code"] not in ("error", "data")


@few
@given(st.sampled_from(sorted(REQUIREMENTS)), st.text(max_size=12), JUNK, JUNK)
def test_any_other_json_is_refused_and_never_a_fault(section: str, key: str, inner: Any, outer: Any) -> None:
    for value in (outer, {key: inner}, [inner, outer]):
        answer = CLIENT.post("/api/v1/estimate", json={"source": "lstm", "gpus": ["rtx-4090"], section: value})
        assert answer.status_code in (200, 422), (section, value)


@pytest.mark.parametrize("section", [name for name, schema in REQUIREMENTS.items() if "properties" in schema])
def test_every_example_of_a_section_is_allowed_by_its_schema(section: str) -> None:
    from whichgpu.asking.keys import SECTIONS

    for name, key in SECTIONS[section].items():
        schema = REQUIREMENTS[section]["properties"][name]
        pattern = schema.get("pattern")
        if "enum" in schema:
            assert key.example in schema["enum"]
        elif pattern is not None:
            assert re.search(pattern, key.example), (name, key.example)
