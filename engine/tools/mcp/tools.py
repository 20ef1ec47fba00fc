"""What can be asked of an MCP server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field, JsonValue, StringConstraints

from engine.durable.tool_context import ToolContext
from engine.model.json import Json
from engine.tools.errors import ToolError
from engine.tools.mcp.places import ServerInput
from engine.tools.mcp.session import talk

if TYPE_CHECKING:
    from mcp import Client

MAX_PAGES = 20
KEY = "highway.platform/idempotency-key"
_PROBLEM_CHARACTERS = 2_000


class InvokeInput(ServerInput):
    """A tool of the server and its arguments. ``check`` false makes an error of the tool an answer."""

    tool: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    check: bool = True


class ListToolsInput(ServerInput):
    """A server."""


class ReadResourceInput(ServerInput):
    """A resource of the server, by its URI."""

    uri: Annotated[str, StringConstraints(min_length=1, max_length=8_192)]


class InvokeOutput(BaseModel):
    """What the tool answered: its texts together, all its content, and what of it is structured."""

    text: str
    content: list[dict[str, Any]]
    structured: dict[str, Any] | None
    is_error: bool


class ToolOfServer(BaseModel):
    """A tool of the server."""

    name: str
    description: str
    input_schema: dict[str, Any]


class ListToolsOutput(BaseModel):
    """The server's tools."""

    tools: list[ToolOfServer]


class ReadResourceOutput(BaseModel):
    """The resource's parts, each with its ``text``, or with its bytes in base64 as ``blob``."""

    text: str
    contents: list[dict[str, Any]]


def invoke(ctx: ToolContext, given: InvokeInput) -> Json:
    """Call a tool of an MCP server. Returns ``{"text", "content", "structured", "is_error"}``; a tool that answers with an error fails the step
    unless ``check`` is false.

    An attempt that was interrupted may have happened: the call carries the step's idempotency key, the same over all attempts, in its ``_meta`` as
    ``highway.platform/idempotency-key``.
    """

    async def ask(client: Client) -> Any:
        key: Any = {KEY: ctx.idempotency_key}
        return await client.call_tool(given.tool, dict(given.arguments), meta=key)

    answer = talk(ctx, given, ask)
    content = [part.model_dump(mode="json", by_alias=True, exclude_none=True) for part in answer.content]
    text = "\n".join(str(part["text"]) for part in content if part.get("type") == "text")
    if answer.is_error and given.check:
        raise ToolError(f"{given.tool}: {text[:_PROBLEM_CHARACTERS] or 'an error without words'}", type="McpToolError")
    return {
        "text": text,
        "content": content,
        "structured": answer.structured_content,
        "is_error": bool(answer.is_error),
    }


def list_tools(ctx: ToolContext, given: ListToolsInput) -> Json:
    """What tools an MCP server has. Returns ``{"tools": [{"name", "description", "input_schema"}]}``."""

    async def ask(client: Client) -> list[Any]:
        found: list[Any] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = await client.list_tools(cursor=cursor)
            found += page.tools
            cursor = page.next_cursor
            if not cursor:
                break
        return found

    tools = talk(ctx, given, ask)
    return {
        "tools": [
            {"name": tool.name, "description": tool.description or "", "input_schema": tool.input_schema}
            for tool in tools
        ]
    }


def read_resource(ctx: ToolContext, given: ReadResourceInput) -> Json:
    """Read a resource of an MCP server. Returns ``{"text", "contents": [{"uri", "mimeType", "text" or "blob"}]}``."""

    async def ask(client: Client) -> Any:
        return await client.read_resource(given.uri)

    answer = talk(ctx, given, ask)
    contents = [part.model_dump(mode="json", by_alias=True, exclude_none=True) for part in answer.contents]
    return {"text": "\n".join(str(part["text"]) for part in contents if "text" in part), "contents": contents}
