"""An MCP server made with the `mcp` package, for the tests of `tools.mcp.*`: ``python mcp_server.py [PORT]``, over stdio without a port.

It imports nothing of ours: in the sandbox there is only what its folders have.
"""

from __future__ import annotations

import os
import socket
import sys
import time

from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("sums")


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def fail() -> str:
    """Fails always."""
    raise ValueError("not today")


@server.tool()
def much(length: int) -> str:
    """A long text."""
    return "x" * length


@server.tool()
def slow(seconds: float) -> str:
    """Takes its time."""
    time.sleep(seconds)
    return "done"


@server.tool()
def surroundings() -> dict[str, object]:
    """What the server can reach."""
    found: dict[str, object] = {"uid": os.getuid(), "environment": sorted(os.environ)}
    try:
        socket.create_connection(("127.0.0.1", 9), timeout=1)
    except OSError as error:
        found["network"] = type(error).__name__
    return found


@server.tool()
def key(context: Context) -> str:
    """By what the caller would know that it has asked before."""
    return str((context.request_context.meta or {}).get("highway.platform/idempotency-key"))


@server.resource("note://hello")
def hello() -> str:
    """A greeting."""
    return "hello from a resource"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        server.run("stdio")
