"""Which server is meant, and what may be said to it."""

from __future__ import annotations

from typing import Annotated

import httpx2
from pydantic import Field, StringConstraints, model_validator

from engine.durable.runners import McpPolicy, McpServer
from engine.tools.errors import ToolError
from engine.tools.spec import ToolInput

MAX_SECONDS = 3_600
DEFAULT_SECONDS = 60.0
Seconds = Annotated[float, Field(gt=0, le=MAX_SECONDS, allow_inf_nan=False)]
_OWN_HEADERS = ("host", "content-length", "transfer-encoding", "connection", "accept", "content-type")


class ServerInput(ToolInput):
    """An MCP server: one that the deployment names (``server``), or one of the web by its ``url``, with ``headers`` for what it asks of callers."""

    server: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    url: Annotated[str, StringConstraints(pattern=r"^https?://", max_length=8_192)] | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    allow_internal: bool = False
    timeout_seconds: Seconds | None = None

    @model_validator(mode="after")
    def _names_one(self) -> ServerInput:
        if (self.server is None) == (self.url is None):
            raise ValueError("give exactly one of server and url")
        for name, text in self.headers.items():
            if name.lower() in _OWN_HEADERS or any(letter in name + text for letter in "\r\n\0"):
                raise ValueError(f"the header {name!r} cannot be given")
        return self

    @property
    def called(self) -> str:
        """What a circuit breaker calls it."""
        return self.server or httpx2.URL(self.url or "").host


def place(policy: McpPolicy, given: ServerInput) -> McpServer:
    """The server that is meant. Raises `ToolError` for one that nobody named, or may name."""
    if given.server is not None:
        found = policy.servers.get(given.server)
        if found is None:
            known = ", ".join(sorted(policy.servers)) or "none"
            message = f"no MCP server {given.server!r} is set up on this worker; there are: {known}"
            raise ToolError(message, type="NoServer", retryable=False)
        return found
    if not policy.allow_urls:
        message = "only MCP servers that the deployment names may be called here"
        raise ToolError(message, type="NoServer", retryable=False)
    return McpServer(url=given.url or "", allow_internal=given.allow_internal)
