"""One talk with one MCP server, from the thread of a tool: open it, ask, close it, all within the attempt's time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import httpx2

from engine.durable.runners import McpServer
from engine.durable.tool_context import ToolContext
from engine.kit.fault_points import FaultPoint, reach
from engine.tools.errors import ToolCancelled, ToolError, ToolTimeout
from engine.tools.http.network import Network
from engine.tools.mcp.network import JudgedNetwork, JudgedTransport
from engine.tools.mcp.places import DEFAULT_SECONDS, ServerInput, place
from engine.tools.mcp.sandboxed import SandboxedServer

if TYPE_CHECKING:
    from mcp import Client

T = TypeVar("T")
_LOOK_SECONDS = 0.1
_PROBLEM_CHARACTERS = 2_000


def talk(ctx: ToolContext, given: ServerInput, do: Callable[[Client], Awaitable[T]]) -> T:
    """Have ``do`` done with a client of the server. Raises the `ToolError` for whatever goes wrong."""
    server = place(ctx.runners.mcp, given)
    if server.allow_internal and given.server is None and not ctx.http_policy.allow_internal:
        message = "this tenant's policy does not allow calls to internal addresses"
        raise ToolError(message, type="AddressRefused", retryable=False)
    seconds = ctx.bounded(given.timeout_seconds or DEFAULT_SECONDS)
    line = SandboxedServer(ctx, server, seconds) if server.module else _Web(ctx, server, given.headers, seconds)
    try:
        return anyio.run(_talk, ctx, line, seconds, do)
    except BaseException as error:
        if ctx.is_cancelled:
            raise ToolCancelled from None
        if not isinstance(error, Exception):
            raise
        raise _told(line, error, seconds) from error


async def _talk(
    ctx: ToolContext, line: SandboxedServer | _Web, seconds: float, do: Callable[[Client], Awaitable[T]]
) -> T:
    from mcp import Client  # noqa: PLC0415 - a third of a second that only workers with such steps spend

    with anyio.fail_after(seconds):
        async with anyio.create_task_group() as group:
            group.start_soon(_watch, ctx, group)
            async with Client(line.transport(), cache=None, read_timeout_seconds=seconds) as client:
                reach(FaultPoint.CALL_BEFORE)
                answer = await do(client)
                reach(FaultPoint.CALL_ANSWERED)
            group.cancel_scope.cancel()
            return answer
    raise ToolCancelled


async def _watch(ctx: ToolContext, group: Any) -> None:
    """Cancels come from other threads, and this one has no ear for them but looking."""
    while not ctx.is_cancelled:
        await anyio.sleep(_LOOK_SECONDS)
    group.cancel_scope.cancel()


class _Web:
    """A server of the web."""

    def __init__(self, ctx: ToolContext, server: McpServer, headers: dict[str, str], seconds: float) -> None:
        rules = Network(allow_internal=server.allow_internal, seconds=seconds)
        self._network = JudgedNetwork(rules, ctx.runners.mcp.max_message_bytes)
        self._url = server.url
        self._headers = {"user-agent": "highway-platform", **headers}

    def transport(self) -> AbstractAsyncContextManager[Any]:
        """The two streams that the library speaks over."""
        return self._transport()

    @asynccontextmanager
    async def _transport(self) -> AsyncIterator[Any]:
        from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415

        client = httpx2.AsyncClient(
            transport=JudgedTransport(self._network), headers=self._headers, trust_env=False, timeout=None
        )
        async with client, streamable_http_client(self._url, http_client=client) as streams:
            yield streams

    def why(self) -> ToolError | None:
        """Why the talk ended, where the network's rules are to blame."""
        return self._network.refusal


def _told(line: SandboxedServer | _Web, error: Exception, seconds: float) -> ToolError:
    causes = list(_leaves(error))
    for cause in causes:
        if isinstance(cause, ToolError):
            return cause
    known = line.why()
    if known is not None:
        return known
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return ToolTimeout(f"the MCP server did not answer within {seconds:g} seconds")
    first = causes[0]
    return ToolError(f"the MCP server: {str(first)[:_PROBLEM_CHARACTERS]}", type=type(first).__name__)


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for part in error.exceptions for leaf in _leaves(part)]
    return [error]
