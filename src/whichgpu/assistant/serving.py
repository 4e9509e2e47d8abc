"""The server of the Model Context Protocol, which speaks on standard input and output."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

import anyio
import anyio.to_thread
import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server

from whichgpu.answering import Answering
from whichgpu.assistant.tools import TOOLS, Answer, Tool
from whichgpu.errors import UnknownName, WhichGpuError
from whichgpu.explaining import LANGUAGES, language, sentences, speaking
from whichgpu.explaining.without_options import without_options

_INSTRUCTIONS: Final = (
    "whichgpu predicts how long AI workloads take on GPUs and ranks GPUs for them, offline. Times, memory and power "
    "are predictions with ranges of 80 % confidence: pass the ranges on. Prices have dates: say them. Give what the "
    "person told you (a budget with its currency, the operating system, where the card stands), and leave out the rest."
)
_READS_ONLY: Final = types.ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)


def server(answering: Answering, usual_language: str) -> Server[Any]:
    """The server with all tools; ``usual_language`` is that of texts where a call names none."""

    async def offered(
        context: ServerRequestContext[Any], asked: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_offer(tool) for tool in TOOLS])

    async def called(context: ServerRequestContext[Any], asked: types.CallToolRequestParams) -> types.CallToolResult:
        given = asked.arguments or {}
        return await anyio.to_thread.run_sync(lambda: result(answering, asked.name, given, usual_language))

    return Server(
        "whichgpu",
        version=version("whichgpu"),
        instructions=_INSTRUCTIONS,
        on_list_tools=offered,
        on_call_tool=called,
    )


def _offer(tool: Tool) -> types.Tool:
    return types.Tool(name=tool.name, description=tool.description, input_schema=tool.schema(), annotations=_READS_ONLY)


def result(answering: Answering, name: str, given: Mapping[str, Any], usual_language: str) -> types.CallToolResult:
    """The answer to one call: its text and its document, or the error as both."""
    wanted = given.get("language", usual_language)
    with speaking(wanted if wanted in LANGUAGES else usual_language), without_options():
        try:
            document, text = _answer(answering, name, given)
        except WhichGpuError as error:
            return _result(sentences.error_document(error), _said(error), is_error=True)
        return _result(document, text)


def _answer(answering: Answering, name: str, given: Mapping[str, Any]) -> Answer:
    tool = next((each for each in TOOLS if each.name == name), None)
    if tool is None:
        known = ", ".join(each.name for each in TOOLS)
        raise UnknownName("there is no tool {name!r}", name=name[:80], known=known, field="name", hint="tools: {known}")
    if given.get("language", language()) not in LANGUAGES:
        raise UnknownName("language must be en or ja", field="language")
    tool.check(given)
    return tool.answer(answering, given)


def _said(error: WhichGpuError) -> str:
    return "\n".join(part for part in sentences.error(error) if part)


def _result(document: Mapping[str, Any], text: str, *, is_error: bool = False) -> types.CallToolResult:
    content: list[types.ContentBlock] = [types.TextContent(type="text", text=text)]
    return types.CallToolResult(content=content, structured_content=dict(document), is_error=is_error)


def run(usual_language: str) -> None:
    """Serves one client until it closes standard input."""

    async def serve() -> None:
        made = server(Answering(), usual_language)
        async with stdio_server() as (received, sent):
            await made.run(received, sent, made.create_initialization_options())

    anyio.run(serve)
