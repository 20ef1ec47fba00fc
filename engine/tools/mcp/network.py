"""The rules of `tools.http.request` for the asynchronous client of the MCP library: every address is judged where it is connected to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

import anyio.to_thread
import httpcore2
import httpx2

from engine.tools.errors import ToolError
from engine.tools.http.network import Network
from engine.tools.http.transport import trusted


class JudgedNetwork(httpcore2.AsyncNetworkBackend):
    """Opens connections to judged addresses only, and counts what comes in. ``refusal`` is what was refused, for whoever asks why it failed."""

    def __init__(self, rules: Network, max_bytes: int) -> None:
        self._rules = rules
        self._left = max_bytes
        self._tcp = httpcore2.AnyIOBackend()
        self.refusal: ToolError | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to an address of the name. Raises when any of its addresses is refused."""
        try:
            addresses = await anyio.to_thread.run_sync(self._rules.judged, host, port)
            stream = await self._first_that_answers(addresses, port, timeout, local_address, socket_options)
            self._rules.judge(stream.get_extra_info("server_addr")[0], host)
        except ToolError as error:
            self.refusal = error
            raise httpcore2.ConnectError(error.message) from error
        return _CountedStream(stream, self)

    async def _first_that_answers(
        self, addresses: list[str], port: int, timeout: float | None, *more: Any
    ) -> httpcore2.AsyncNetworkStream:
        for address in addresses[:-1]:
            try:
                return await self._tcp.connect_tcp(address, port, timeout, *more)
            except httpcore2.ConnectError:
                continue
        return await self._tcp.connect_tcp(addresses[-1], port, timeout, *more)

    async def sleep(self, seconds: float) -> None:
        """As the library's own."""
        await self._tcp.sleep(seconds)

    def count(self, received: int) -> None:
        """So much came in. Raises when it is too much."""
        self._left -= received
        if self._left < 0:
            self.refusal = ToolError("the server sent more than is taken", type="TooLarge", retryable=False)
            raise httpcore2.ReadError(self.refusal.message)


class _CountedStream(httpcore2.AsyncNetworkStream):
    def __init__(self, stream: httpcore2.AsyncNetworkStream, network: JudgedNetwork) -> None:
        self._stream = stream
        self._network = network

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        content = await self._stream.read(max_bytes, timeout)
        self._network.count(len(content))
        return content

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        return _CountedStream(await self._stream.start_tls(ssl_context, server_hostname, timeout), self._network)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class JudgedTransport(httpx2.AsyncBaseTransport):
    """The HTTP library's transport over a `JudgedNetwork`; no proxy of the environment is taken."""

    def __init__(self, network: JudgedNetwork) -> None:
        self._pool = httpcore2.AsyncConnectionPool(ssl_context=trusted(), network_backend=network)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; the response's body is still to be read."""
        url = request.url
        asked = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            answer = await self._pool.handle_async_request(asked)
        except httpcore2.NetworkError as error:
            raise httpx2.NetworkError(str(error), request=request) from error
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._answer.aiter_stream():
                yield part
        except httpcore2.NetworkError as error:
            raise httpx2.NetworkError(str(error)) from error

    async def aclose(self) -> None:
        await self._answer.aclose()
