"""An MCP server that notes what it is asked, and under which idempotency key: ``python mcp_notes.py PORT FILE``."""

from __future__ import annotations

import os
import sys

from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("notes")


@server.tool()
def note(text: str, context: Context) -> str:
    """Keep a text. Gives the key of the call."""
    key = str((context.request_context.meta or {}).get("highway.platform/idempotency-key", ""))
    descriptor = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(descriptor, f"{text} {key}\n".encode())
    os.close(descriptor)
    return key


if __name__ == "__main__":
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
