"""REST: every route, every kind of error, and what the OpenAPI document promises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.server.asking import Client

import whichgpu

V1 = "/api/v1"
CARD = "rtx-4090"

READABLE = {
    # path: the schema of its document
    f"{V1}/gpus": "whichgpu/gpus/1",
    f"{V1}/gpus/{CARD}": "whichgpu/gpu/1",
    f"{V1}/compare?gpu={CARD}&gpu=rtx-3090": "whichgpu/gpus/1",
    f"{V1}/zoo?category=gan": "whichgpu/zoo/1",
    f"{V1}/zoo/resnet50": "whichgpu/zoo-entry/1",
    f"{V1}/support?gpu={CARD}": "whichgpu/support/1",
    f"{V1}/prices": "whichgpu/prices/1",
    f"{V1}/guide": "whichgpu/guide/1",
    f"{V1}/guide/lstm?gpu={CARD}": "whichgpu/guide/1",
}


@pytest.mark.parametrize("path", READABLE)
def test_a_document_is_read_and_not_sent_twice(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.json()["schema"] == READABLE[path]
    tag = answer.headers["etag"]
    again = client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_recommendation_is_the_one_that_python_gives(client: Client) -> None:
    question = {
        "source": "bert-base",
        "goal": "fastest",
        "workload": {"phase": "train", "batch_size": 16},
        "money": {"budget": "1500usd"},
        "software": {"os": "linux"},
    }
    answer = client.post(f"{V1}/recommend", json=question)
    same = whichgpu.recommend("bert-base", phase="train", batch_size=16, budget="1500usd", os="linux", goal="fastest")
    assert answer.status_code == 200
    assert answer.json() == json.loads(same.to_json())
    assert answer.json()["workload"]["batch_size"] == 16


def test_every_gpu_is_ranked_or_rejected(client: Client) -> None:
    listed = {row["id"] for row in client.get(f"{V1}/gpus").json()["gpus"]}
    found = client.post(f"{V1}/recommend", json={"source": "resnet50"}).json()
    answered = [row["gpu"] for row in (*found["ranked"], *found["rejected"])]
    assert len(answered) == len(set(answered))
    assert set(answered) < listed  # processors are listed, and are no candidates
    assert found["baseline"]["gpu"] in listed - set(answered)


def test_an_estimate_is_of_the_gpus_asked_for(client: Client) -> None:
    found = client.post(f"{V1}/estimate", json={"source": "resnet50", "gpus": ["tesla-t4", CARD]}).json()
    assert {each["gpu"] for each in found["estimates"]} == {"tesla-t4", CARD}
    latency = {each["gpu"]: each["latency_s"]["mid"] for each in found["estimates"]}
    assert latency[CARD] < latency["tesla-t4"]


def test_several_workloads(client: Client) -> None:
    works = [{"source": "resnet50", "weight": 0.3}, {"source": "bert-base", "weight": 0.7}]
    found = client.post(f"{V1}/recommend", json={"workloads": works, "gpus": [CARD]}).json()
    assert [work["weight"] for work in found["workloads"]] == [0.3, 0.7]


WRONG: list[tuple[dict[str, Any], str, str | None]] = [
    # question, code, pointer
    ({}, "invalid_value", "/source"),
    ({"source": "resnet5"}, "source_not_found", "/source"),
    ({"source": "/etc/passwd"}, "source_not_found", "/source"),
    ({"source": "resnet50", "colour": "red"}, "unknown_name", "/colour"),
    ({"source": "resnet50", "money": {"budget": "9"}}, "invalid_value", "/money/budget"),
    ({"source": "resnet50", "money": {"own": "auto"}}, "unknown_name", "/money/own"),
    ({"source": "resnet50", "gpus": ["rtx-9999"]}, "unknown_name", "/gpus"),
    ({"source": "resnet50", "vendors": ["Voodoo"]}, "unknown_name", "/vendors"),
    ({"source": "resnet50", "goal": "prettiest"}, "unknown_name", "/goal"),
    ({"source": "resnet50", "workload": {"stack": "abacus"}}, "unknown_name", "/workload/stack"),
    ({"source": "resnet50", "workload": {"batch_size": -1}}, "invalid_value", "/workload/batch_size"),
    ({"source": "resnet50", "workload": []}, "invalid_value", "/workload"),
    ({"workloads": [{"source": "resnet50"}, {"phase": 7}]}, "invalid_value", "/workloads/1/phase"),
    ({"source": "resnet50", "capture": {}}, "invalid_value", "/source"),
    ({"capture": "model.onnx"}, "invalid_value", "/capture"),
]


@pytest.mark.parametrize(("question", "code", "pointer"), WRONG)
def test_a_wrong_question_is_a_problem_document(
    client: Client, question: dict[str, Any], code: str, pointer: str | None
) -> None:
    answer = client.post(f"{V1}/recommend", json=question)
    found = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert (found["schema"], found["code"], found["pointer"]) == ("whichgpu/error/1", code, pointer)
    assert (found["status"], found["title"], found["detail"]) == (422, "Unprocessable Entity", found["message"])


def test_an_estimate_takes_no_limits(client: Client) -> None:
    answer = client.post(f"{V1}/estimate", json={"source": "resnet50", "money": {"budget": "9usd"}})
    assert (answer.status_code, answer.json()["field"]) == (422, "money")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"{V1}/gpus/rtx-9999", "unknown_name"),
        (f"{V1}/zoo/nothing", "unknown_name"),
        (f"{V1}/guide/alchemy", "unknown_name"),
        (f"{V1}/nothing", "no_such_path"),
        ("/nothing", "no_such_path"),
        ("/static/../../etc/passwd", "no_such_path"),
        ("/docs", "no_such_path"),
    ],
)
def test_what_is_not_there_is_404(client: Client, path: str, code: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, code)


def test_wrong_queries_are_422(client: Client) -> None:
    assert client.get(f"{V1}/compare").json()["field"] == "gpu"
    assert client.get(f"{V1}/compare?" + "&".join(["gpu=rtx-4090"] * 13)).status_code == 422
    assert client.get(f"{V1}/zoo?category=cooking").status_code == 422
    assert client.get(f"{V1}/guide/lstm?gpu=rtx-9999").status_code == 422


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST"])
def test_a_wrong_method_is_405_and_names_the_right_one(client: Client, method: str) -> None:
    answer = client.request(method, f"{V1}/gpus")
    assert (answer.status_code, answer.json()["code"]) == (405, "no_such_method")
    assert "GET" in answer.headers["allow"]


def test_messages_follow_the_language_asked_for(client: Client) -> None:
    english = client.get(f"{V1}/gpus/x").json()["message"]
    japanese = client.get(f"{V1}/gpus/x", headers={"Accept-Language": "fr;q=0.9, ja;q=0.8, en;q=0.1"}).json()["message"]
    assert english.isascii()
    assert not japanese.isascii()
    assert client.get(f"{V1}/gpus/x?lang=ja").json()["message"] == japanese


def test_the_openapi_document_names_every_route(client: Client) -> None:
    found = client.get(f"{V1}/openapi.json").json()
    assert set(found["paths"]) == {
        f"{V1}/{name}"
        for name in (
            *("recommend", "estimate", "capture", "gpus", "gpus/{gpu}", "compare", "zoo", "zoo/{source}"),
            *("support", "prices", "guide", "guide/{topic}", "accuracy"),
        )
    }
    keys = found["paths"][f"{V1}/recommend"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {"source", "capture", "money", "workloads"} <= set(keys["properties"])


def test_health(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_what_the_openapi_document_does_not_allow_is_refused(client: Client) -> None:
    """What schemathesis found: a language that there is not, and a capture that is none beside a source."""
    answer = client.get(f"{V1}/guide?lang=AAA")
    assert (answer.status_code, answer.json()["field"]) == (422, "lang")
    for path in ("recommend", "estimate"):
        answer = client.post(f"{V1}/{path}", json={"source": "resnet50", "capture": None})
        assert (answer.status_code, answer.json()["field"]) == (422, "capture")
    answer = client.post(f"{V1}/recommend", json={"source": "resnet50", "workloads": None})
    assert (answer.status_code, answer.json()["field"]) == (422, "workloads")


def test_the_openapi_document_says_what_answers_hold(client: Client) -> None:
    found = client.get(f"{V1}/openapi.json").json()["paths"]
    for path, asked in (
        ("gpus", "gpus"),
        ("compare", "compare?gpu=rtx-4090"),
        ("zoo", "zoo?q=lstm"),
        ("guide", "guide"),
    ):
        schema = found[f"{V1}/{path}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        document = client.get(f"{V1}/{asked}").json()
        assert document["schema"] == schema["properties"]["schema"]["const"]
        assert set(schema["required"]) <= set(document)


def test_an_estimate_of_a_named_gpu_has_what_others_measured_beside_it(client: Client) -> None:
    question = {"source": "resnet50", "workload": {"phase": "infer", "batch_size": 12}, "gpus": ["rtx-2080-ti"]}
    (found,) = client.post(f"{V1}/estimate", json=question).json()["estimates"]
    assert found["measurements"]
    for row in found["measurements"]:
        assert row["url"].startswith("https://")
        assert 2015 <= row["year"] <= 2030
        assert row["value"] > 0.0
    exact = any(row["exact"] for row in found["measurements"])
    assert found["evidence"] == ("measured" if exact else "calibrated")


def test_an_estimate_under_conditions_that_somebody_measured_has_that_evidence(client: Client) -> None:
    question = {
        "source": "resnet50",
        "workload": {"phase": "infer", "batch_size": 1024, "precision": "amp-fp16"},
        "gpus": ["rtx-3090"],
    }
    (found,) = client.post(f"{V1}/estimate", json=question).json()["estimates"]
    assert found["evidence"] == "measured"
    assert any(row["exact"] and row["source"] == "timm" for row in found["measurements"])


def test_estimates_of_the_whole_catalogue_have_nothing_beside_them(client: Client) -> None:
    found = client.post(f"{V1}/estimate", json={"source": "resnet50"}).json()["estimates"]
    assert not any("measurements" in each for each in found)
