"""The tools of an assistant, called by the protocol's own client, in this process and over standard input."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import CallToolResult, ListToolsResult

from whichgpu.answering import Answering
from whichgpu.assistant.serving import server
from whichgpu.catalog import default_catalog

SERVER = server(Answering(), "en")
CONFIG = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "vocab_size": 100,
    "max_position_embeddings": 512,
}


def offered() -> ListToolsResult:
    async def asked() -> ListToolsResult:
        async with Client(SERVER) as client:
            return await client.list_tools()

    return asyncio.run(asked())


def call(tool: str, **given: Any) -> CallToolResult:
    async def asked() -> CallToolResult:
        async with Client(SERVER) as client:
            return await client.call_tool(tool, given)

    return asyncio.run(asked())


def text(result: CallToolResult) -> str:
    return "".join(part.text for part in result.content if part.type == "text")


def test_five_tools_are_offered_that_only_read() -> None:
    tools = {tool.name: tool for tool in offered().tools}
    assert set(tools) == {"recommend_gpu", "estimate", "compare_gpus", "gpu_figures", "explain"}
    for tool in tools.values():
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is True
        assert tool.annotations.open_world_hint is False
        assert tool.description
        assert set(tool.input_schema["required"]) <= set(tool.input_schema["properties"])
    money = tools["recommend_gpu"].input_schema["properties"]["money"]["properties"]
    assert {"budget", "own", "electricity"} <= set(money)


def test_a_recommendation_has_its_document_and_its_text() -> None:
    found = call("recommend_gpu", source="resnet50", workload={"phase": "train"}, money={"budget": "900usd"}, shown=3)
    document = found.structured_content
    assert not found.is_error
    assert document["schema"] == "whichgpu/recommendation/1"
    assert [row["rank"] for row in document["ranked"]] == [1, 2, 3]
    assert len(document["rejected"]) == 3
    others = [gpu for gpu in default_catalog().gpus if not gpu.is_cpu]
    assert document["ranked_count"] + document["rejected_count"] == len(others)
    first = default_catalog().get(document["ranked"][0]["gpu"]).name
    assert first in text(found)
    assert "| 4 |" not in text(found)


def test_texts_are_in_the_language_asked_for() -> None:
    english = text(call("explain", source="lstm", gpu="rtx-4090"))
    japanese = text(call("explain", source="lstm", gpu="rtx-4090", language="ja"))
    assert english.splitlines()[0] == "# What lstm asks of GeForce RTX 4090"
    assert "RTX 4090" in japanese.splitlines()[0]
    assert not japanese.isascii()
    assert english.count("\n\n") == japanese.count("\n\n")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_explanation_names_topics_that_the_tool_explains_and_no_commands(language: str) -> None:
    found = call("explain", source="lstm", gpu="rtx-4090", language=language)
    assert "whichgpu guide" not in text(found)
    assert "--" not in text(found).replace("---", "")
    topics = found.structured_content["topics"]
    assert topics
    for topic in topics:
        assert f"- {topic}" in text(found)
        read = call("explain", topic=topic, gpu="rtx-4090", language=language)
        assert (read.structured_content["schema"], read.structured_content["topic"]) == ("whichgpu/guide/1", topic)
        assert read.structured_content["title"] in text(found)
        assert text(read).startswith(f"# {read.structured_content['title']}")


def test_a_topic_has_the_figures_of_the_gpu_that_is_named() -> None:
    assert call("explain", topic="roofline").structured_content["gpu"] == "rtx-3060-12gb"
    assert call("explain", topic="roofline", gpu="rx-7900-xtx").structured_content["gpu"] == "rx-7900-xtx"
    assert "7900 XTX" in text(call("explain", topic="roofline", gpu="rx-7900-xtx"))


def test_an_estimate_is_of_the_gpus_that_are_named() -> None:
    found = call("estimate", source="gpt2", gpus=["rtx-4090", "GeForce RTX 3090", "rtx-4090"])
    assert [each["gpu"] for each in found.structured_content["estimates"]] == ["rtx-4090", "rtx-3090"]
    assert len([line for line in text(found).splitlines() if line.startswith("| rtx-")]) == 2


def test_gpus_side_by_side_and_one_with_its_sources() -> None:
    beside = call("compare_gpus", gpus=["rtx-3060-12gb", "rx-7900-xtx"])
    assert [each["id"] for each in beside.structured_content["gpus"]] == ["rtx-3060-12gb", "rx-7900-xtx"]
    assert "| memory | 12 GiB | 24 GiB |" in text(beside)
    one = call("gpu_figures", gpu="rtx-3060-12gb")
    assert one.structured_content["figures"]["memory_bytes"]["value"] == 12 * 2**30
    assert one.structured_content["figures"]["memory_bytes"]["source"]
    assert "| memory | 12 GiB | 12 GB | quoted |" in text(one)


def test_a_model_file_is_read_and_a_program_never_is(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    read = call("estimate", source=str(tmp_path / "config.json"), gpus=["rtx-4090"])
    assert not read.is_error, text(read)
    assert read.structured_content["workload"]["family"] == "llama"
    mark = tmp_path / "ran"
    for name in ("model.py", "model.ipynb", "model.pt", "model.txt", "model"):
        (tmp_path / name).write_text(f"open({str(mark)!r}, 'w')")
        for source in (str(tmp_path / name), f"{tmp_path / name}:build"):
            refused = call("recommend_gpu", source=source)
            assert refused.is_error
            assert refused.structured_content["code"] in ("source_unreadable", "source_not_found")
    assert not mark.exists()


@pytest.mark.parametrize(
    ("tool", "given", "code", "field"),
    [
        ("recommend_gpu", {"source": "resnet51"}, "source_not_found", "source"),
        ("recommend_gpu", {}, "invalid_value", "source"),
        ("recommend_gpu", {"source": 5}, "invalid_value", "source"),
        ("recommend_gpu", {"source": "resnet50", "money": {"budget": "9"}}, "invalid_value", "money.budget"),
        ("recommend_gpu", {"source": "resnet50", "shown": 0}, "invalid_value", "shown"),
        ("recommend_gpu", {"source": "resnet50", "shown": True}, "invalid_value", "shown"),
        ("recommend_gpu", {"source": "resnet50", "colour": "red"}, "unknown_name", "colour"),
        ("recommend_gpu", {"source": "resnet50", "language": "fr"}, "unknown_name", "language"),
        ("recommend_gpu", {"source": "resnet50", "language": ["en"]}, "unknown_name", "language"),
        ("estimate", {"source": "resnet50"}, "invalid_value", "gpus"),
        ("estimate", {"source": "resnet50", "gpus": []}, "invalid_value", "gpus"),
        ("estimate", {"source": "resnet50", "gpus": ["rtx-9999"]}, "unknown_name", "gpus"),
        ("estimate", {"source": "resnet50", "gpus": ["rtx-4090"] * 13}, "invalid_value", "gpus"),
        ("compare_gpus", {"gpus": {"a": 1}}, "invalid_value", "gpus"),
        ("gpu_figures", {"gpu": ["rtx-4090"]}, "invalid_value", "gpu"),
        ("explain", {"source": "resnet50", "gpu": None}, "invalid_value", "gpu"),
        ("explain", {}, "invalid_value", "source"),
        ("explain", {"source": "lstm", "topic": "lstm"}, "invalid_value", "source"),
        ("explain", {"topic": "rooflin"}, "unknown_name", "topic"),
        ("explain", {"topic": ["roofline"]}, "invalid_value", "topic"),
        ("explain", {"topic": "roofline", "workload": {}}, "invalid_value", "topic"),
        ("buy_gpu", {}, "unknown_name", "name"),
    ],
)
def test_a_wrong_call_is_told_with_its_code_and_field(tool: str, given: dict[str, Any], code: str, field: str) -> None:
    found = call(tool, **given)
    assert found.is_error
    document = found.structured_content
    assert (document["schema"], document["code"], document["field"]) == ("whichgpu/error/1", code, field)
    assert document["message"] in text(found)


def test_the_command_speaks_on_standard_input_and_output() -> None:
    program = StdioServerParameters(command=sys.executable, args=["-m", "whichgpu", "mcp", "--lang", "ja"])

    async def asked() -> CallToolResult:
        async with Client(stdio_client(program)) as client:
            return await client.call_tool("gpu_figures", {"gpu": "rtx-4090"})

    found = asyncio.run(asked())
    assert found.structured_content["id"] == "rtx-4090"
    assert "メモリ" in text(found)
