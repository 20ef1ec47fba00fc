"""MCP servers over both transports, each a real one made with the `mcp` package: asked, bounded, closed in."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.durable.runners import McpPolicy, McpServer, RunnerSettings
from engine.durable.tool_context import ToolContext
from engine.tools.errors import ToolCancelled, ToolError, ToolInputError, ToolTimeout
from tests.engine.tool_calls import call, context
from tests.support import mcp_server

SOURCE = Path(mcp_server.__file__)
LIBRARY = sysconfig.get_path("purelib")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server over streamable HTTP."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, SOURCE, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 60
    while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}/mcp"
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the module of the server over stdio is found."""
    made = tmp_path_factory.mktemp("server")
    shutil.copy(SOURCE, made / "sums_server.py")
    (made / "broken_server.py").write_text("raise SystemExit('no server today')")
    for each in (made, *made.parents[:-1]):
        each.chmod(0o755)
    return made


@pytest.fixture(params=["stdio", "http"])
def ctx(request: pytest.FixtureRequest, address: str, folder: Path) -> ToolContext:
    """A context whose deployment names the server ``sums``."""
    return offering(address, folder, request.param)


def offering(address: str, folder: Path, kind: str, **policy: Any) -> ToolContext:
    stdio = McpServer(module="sums_server", folders=(str(folder), LIBRARY))
    servers = {
        "sums": stdio if kind == "stdio" else McpServer(url=address, allow_internal=True),
        "broken": McpServer(module="broken_server", folders=(str(folder),)),
    }
    return context(runners=RunnerSettings(mcp=McpPolicy(servers=servers, **policy)))


def test_tools_are_listed_called_and_resources_read(ctx: ToolContext) -> None:
    listed = call("tools.mcp.list_tools", "sums", ctx=ctx)["tools"]
    assert {tool["name"] for tool in listed} == {"add", "fail", "key", "much", "slow", "surroundings"}
    add = next(tool for tool in listed if tool["name"] == "add")
    assert (add["description"], sorted(add["input_schema"]["properties"])) == ("Add two numbers.", ["a", "b"])
    answer = call("tools.mcp.invoke", ctx=ctx, server="sums", tool="add", arguments={"a": 2, "b": 40})
    assert (answer["text"], answer["structured"], answer["is_error"]) == ("42", {"result": 42}, False)
    read = call("tools.mcp.read_resource", ctx=ctx, server="sums", uri="note://hello")
    assert (read["text"], read["contents"][0]["uri"]) == ("hello from a resource", "note://hello")


def test_a_call_carries_the_steps_idempotency_key(ctx: ToolContext) -> None:
    assert call("tools.mcp.invoke", ctx=ctx, server="sums", tool="key")["text"] == ctx.idempotency_key


def test_an_error_of_the_tool_fails_the_step_or_is_an_answer(ctx: ToolContext) -> None:
    with pytest.raises(ToolError, match="Error executing tool fail") as failed:
        call("tools.mcp.invoke", ctx=ctx, server="sums", tool="fail")
    assert failed.value.type == "McpToolError"
    answer = call("tools.mcp.invoke", ctx=ctx, server="sums", tool="fail", check=False)
    assert answer["is_error"] is True


def test_a_server_that_takes_too_long_is_given_up(ctx: ToolContext) -> None:
    with pytest.raises(ToolTimeout, match="within 3 seconds"):
        call("tools.mcp.invoke", ctx=ctx, server="sums", tool="slow", arguments={"seconds": 20}, timeout_seconds=3)
    assert not [pid for pid in ctx.processes if Path(f"/proc/{pid}").exists()]


def test_a_cancel_ends_the_call(ctx: ToolContext) -> None:
    threading.Timer(2, ctx.cancelled.set).start()
    began = time.monotonic()
    with pytest.raises(ToolCancelled):
        call("tools.mcp.invoke", ctx=ctx, server="sums", tool="slow", arguments={"seconds": 60})
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("kind", ["stdio", "http"])
def test_more_than_is_taken_is_refused(address: str, folder: Path, kind: str) -> None:
    ctx = offering(address, folder, kind, max_message_bytes=100_000)
    with pytest.raises(ToolError, match="sent more than is taken") as failed:
        call("tools.mcp.invoke", ctx=ctx, server="sums", tool="much", arguments={"length": 500_000})
    assert failed.value.type == "TooLarge"


def test_a_server_over_stdio_is_closed_in(address: str, folder: Path) -> None:
    ctx = offering(address, folder, "stdio")
    found = call("tools.mcp.invoke", ctx=ctx, server="sums", tool="surroundings")["structured"]
    assert (found["uid"], "network" in found) == (65534, True)
    assert not [name for name in found["environment"] if "HIGHWAY" in name or "TOKEN" in name]


def test_a_server_that_does_not_start_says_why(address: str, folder: Path) -> None:
    with pytest.raises(ToolError, match="exit code 1: no server today") as failed:
        call("tools.mcp.list_tools", "broken", ctx=offering(address, folder, "stdio"))
    assert failed.value.type == "ServerEnded"


def test_a_url_is_held_to_the_rules_of_http_calls(address: str) -> None:
    with pytest.raises(ToolError, match="is an internal address: it cannot be called") as refused:
        call("tools.mcp.list_tools", url=address)
    assert (refused.value.type, refused.value.retryable) == ("AddressRefused", False)
    with pytest.raises(ToolError, match="policy does not allow"):
        call("tools.mcp.list_tools", url=address, allow_internal=True)
    closed = context(runners=RunnerSettings(mcp=McpPolicy(allow_urls=False)))
    with pytest.raises(ToolError, match="only MCP servers that the deployment names"):
        call("tools.mcp.list_tools", url="https://example.org/mcp", ctx=closed)


def test_what_is_not_there_is_named(ctx: ToolContext) -> None:
    with pytest.raises(ToolError, match="no MCP server 'nobody' is set up on this worker; there are: broken, sums"):
        call("tools.mcp.list_tools", "nobody", ctx=ctx)
    with pytest.raises(ToolError, match="nothing"):
        call("tools.mcp.invoke", ctx=ctx, server="sums", tool="nothing")
    for wrong in (
        {},
        {"server": "a", "url": "https://b.example"},
        {"url": "ftp://b"},
        {"server": "a", "headers": {"Host": "x"}},
    ):
        with pytest.raises(ToolInputError):
            call("tools.mcp.list_tools", ctx=ctx, **wrong)
