"""An MCP server over stdio, in the sandbox: no network, no secrets, bounded as any other program of users."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
from anyio.abc import SocketStream

from engine.durable.cancellation import Cancellation
from engine.durable.runners import McpServer
from engine.durable.tool_context import ToolContext
from engine.ports import SandboxJob, SandboxLimits, SandboxResult
from engine.tools.errors import ToolError
from engine.tools.results import storable_text

if TYPE_CHECKING:
    from mcp.shared.message import SessionMessage

_PROGRAM = Path(__file__).with_name("inside") / "serve.py"
_CHUNK_BYTES = 65_536
_MEMORY_BYTES = 1024 * 1024 * 1024  # of addresses: a server's libraries alone take a few hundred MiB of them
_SAID_BYTES = 2_000


class SandboxedServer:
    """One server for the time of one call. ``result`` is how its program ended, afterwards."""

    def __init__(self, ctx: ToolContext, server: McpServer, seconds: float) -> None:
        self._ctx = ctx
        self._server = server
        self._seconds = seconds
        self._stop = Cancellation()
        self._left = ctx.runners.mcp.max_message_bytes
        self.refusal: ToolError | None = None
        self.result: SandboxResult | None = None

    @asynccontextmanager
    async def transport(self) -> AsyncIterator[Any]:
        """The two streams that the library speaks over; the program is gone at the end of the block."""
        ours, theirs = socket.socketpair()
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, self._run, theirs)
            async with await SocketStream.from_socket(ours) as line, self._streams(line) as streams:
                try:
                    yield streams
                finally:
                    self._stop.set()

    @asynccontextmanager
    async def _streams(self, line: SocketStream) -> AsyncIterator[Any]:
        to_client, from_server = anyio.create_memory_object_stream[Any](0)
        to_server, from_client = anyio.create_memory_object_stream[Any](0)
        async with anyio.create_task_group() as pumps, to_client, from_server, to_server, from_client:
            pumps.start_soon(self._hear, line, to_client)
            pumps.start_soon(_speak, line, from_client)
            yield from_server, to_server
            pumps.cancel_scope.cancel()

    def _run(self, theirs: socket.socket) -> None:
        """In a thread: as long as the server runs."""
        folders = [f"/opt/folders/{number}" for number in range(len(self._server.folders))]
        told = json.dumps({"module": self._server.module, "folders": folders}).encode()
        limits = SandboxLimits(
            wall_seconds=self._seconds, cpu_seconds=max(1, math.ceil(self._seconds)), memory_bytes=_MEMORY_BYTES
        )
        job = SandboxJob(
            _PROGRAM.read_text(),
            files={"told": told},
            folders=self._server.folders,
            limits=limits,
            channel=theirs.fileno(),
        )
        try:
            self.result = self._ctx.sandbox.run(job, self._stop, self._ctx.processes.append)
        finally:
            theirs.close()  # the last end: whoever still reads hears that it is over

    async def _hear(self, line: SocketStream, to_client: Any) -> None:
        from mcp.shared.message import SessionMessage as Message  # noqa: PLC0415 - as the library is, on first use
        from mcp_types import jsonrpc_message_adapter  # noqa: PLC0415

        rest = b""
        try:
            while chunk := await line.receive(_CHUNK_BYTES):
                self._count(len(chunk))
                *lines, rest = (rest + chunk).split(b"\n")
                for each in lines:
                    try:
                        await to_client.send(Message(jsonrpc_message_adapter.validate_json(each, by_name=False)))
                    except ValueError as error:
                        await to_client.send(error)
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass  # the program is gone, or the session is: either way there is nothing more to hear
        await to_client.aclose()

    def _count(self, received: int) -> None:
        self._left -= received
        if self._left < 0:
            self.refusal = ToolError("the server sent more than is taken", type="TooLarge", retryable=False)
            raise anyio.EndOfStream

    def why(self) -> ToolError | None:
        """Why the talk ended, where the server is to blame."""
        if self.refusal is not None or self.result is None or self.result.killed == "cancelled":
            return self.refusal
        lines = storable_text(self.result.stderr.strip(), _SAID_BYTES).splitlines()
        said = f": {lines[-1]}" if lines else ""
        return ToolError(f"the server ended with exit code {self.result.returncode}{said}", type="ServerEnded")


async def _speak(line: SocketStream, from_client: Any) -> None:
    message: SessionMessage
    async for message in from_client:
        text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
        try:
            await line.send(text.encode() + b"\n")
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return  # the program is gone; the reader tells
