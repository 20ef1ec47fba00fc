"""`tools.mcp.*`: tools and resources of MCP servers, over streamable HTTP, or over stdio with the server in the sandbox."""

from __future__ import annotations

from engine.tools.mcp.tools import (
    InvokeInput,
    InvokeOutput,
    ListToolsInput,
    ListToolsOutput,
    ReadResourceInput,
    ReadResourceOutput,
    invoke,
    list_tools,
    read_resource,
)
from engine.tools.spec import ToolSpec

TOOLS = (
    ToolSpec(
        "tools.mcp.invoke",
        invoke,
        InvokeInput,
        side_effect="effectful",
        resource=lambda given: given.called,
        output_model=InvokeOutput,
    ),
    ToolSpec(
        "tools.mcp.list_tools",
        list_tools,
        ListToolsInput,
        side_effect="pure",
        resource=lambda given: given.called,
        output_model=ListToolsOutput,
    ),
    ToolSpec(
        "tools.mcp.read_resource",
        read_resource,
        ReadResourceInput,
        side_effect="pure",
        resource=lambda given: given.called,
        output_model=ReadResourceOutput,
    ),
)
